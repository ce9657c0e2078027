// SPDX-License-Identifier: Apache-2.0

// Command stop is a grpc-go peer of greet.GreetService for ../../stops.
//
//	stop server             as ../../stops/server.ts, without options
//	stop client PORT MODE   as ../../stops/client.ts
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	tick = 50 * time.Millisecond
	more = 5
	path = "/greet.GreetService/"
)

var left atomic.Int64

func send(stream grpc.Stream, text string) error {
	return stream.SendMsg(wrapperspb.String(text))
}

// The messages of greet.GreetService have one string, field 1, as StringValue has.
func receive(stream grpc.Stream) (string, error) {
	message := &wrapperspb.StringValue{}
	err := stream.RecvMsg(message)
	return message.GetValue(), err
}

func handle(_ any, stream grpc.ServerStream) error {
	left.Add(1)
	defer left.Add(-1)
	method, _ := grpc.MethodFromServerStream(stream)
	switch method {
	case path + "GreetServerStream":
		for i := 0; ; i++ {
			if err := send(stream, strconv.Itoa(i)); err != nil {
				return err
			}
			select {
			case <-time.After(tick):
			case <-stream.Context().Done():
				return stream.Context().Err()
			}
		}
	case path + "GreetClientStream":
		for count := 0; ; count++ {
			name, err := receive(stream)
			if err == io.EOF {
				return send(stream, strconv.Itoa(count))
			}
			if err != nil {
				return err
			}
			var number int
			if fmt.Sscanf(name, "%d", &number); number != count {
				return send(stream, fmt.Sprintf("message %d was %s", count, name))
			}
		}
	default:
		for {
			name, err := receive(stream)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := send(stream, name); err != nil {
				return err
			}
		}
	}
}

func lines(each func(string)) {
	scanner := bufio.NewScanner(os.Stdin)
	for scanner.Scan() {
		each(scanner.Text())
	}
	os.Exit(0)
}

func serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("READY %d\n", listener.Addr().(*net.TCPAddr).Port)
	go lines(func(string) { fmt.Printf("LEFT %d\n", left.Load()) })
	return grpc.NewServer(grpc.UnknownServiceHandler(handle)).Serve(listener)
}

type flow struct {
	moved atomic.Int64
	alive atomic.Bool
}

type client struct {
	conn    *grpc.ClientConn
	ending  atomic.Bool
	flows   []*flow
	running sync.WaitGroup

	mu          sync.Mutex
	Streams     int      `json:"streams"`
	Lost        int      `json:"lost"`
	Ok          int      `json:"ok"`
	Late        int      `json:"late"`
	Unavailable int      `json:"unavailable"`
	Wrong       []string `json:"wrong"`
}

func (c *client) wrong(what string, err error) {
	c.Wrong = append(c.Wrong, fmt.Sprintf("%s ended by %v", what, err))
}

func (c *client) start(name, method string, run func(*flow, grpc.ClientStream) error) {
	self := &flow{}
	self.alive.Store(true)
	c.flows = append(c.flows, self)
	c.Streams++
	c.running.Add(1)
	go func() {
		defer c.running.Done()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		desc := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
		stream, err := c.conn.NewStream(ctx, desc, path+method, grpc.WaitForReady(true))
		if err == nil {
			err = run(self, stream)
		}
		self.alive.Store(false)
		if err == nil {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if status.Code(err) != codes.Unavailable {
			c.wrong("the "+name, err)
			return
		}
		if c.Lost == 0 {
			fmt.Printf("LOST %d %v\n", time.Now().UnixMilli(), err)
		}
		c.Lost++
	}()
}

// next receives a message and looks whether it is in order.
func (f *flow) next(stream grpc.ClientStream) error {
	text, err := receive(stream)
	if err != nil {
		return err
	}
	if want := strconv.FormatInt(f.moved.Load(), 10); text != want {
		return fmt.Errorf("message %s was %s", want, text)
	}
	f.moved.Add(1)
	return nil
}

func (c *client) ticks(self *flow, stream grpc.ClientStream) error {
	if err := send(stream, ""); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for !c.ending.Load() {
		if err := self.next(stream); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) chat(self *flow, stream grpc.ClientStream) error {
	var sent atomic.Int64
	go func() {
		for ; !c.ending.Load(); sent.Add(1) {
			if send(stream, strconv.FormatInt(sent.Load(), 10)) != nil {
				return // receiving says why
			}
			time.Sleep(tick)
		}
		stream.CloseSend()
	}()
	for {
		err := self.next(stream)
		if err == io.EOF && self.moved.Load() == sent.Load() {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (c *client) upload(self *flow, stream grpc.ClientStream) error {
	for ; !c.ending.Load(); self.moved.Add(1) {
		if err := send(stream, strconv.FormatInt(self.moved.Load(), 10)); err != nil {
			break // receiving says why
		}
		time.Sleep(tick)
	}
	stream.CloseSend()
	count, err := receive(stream)
	if err == nil && count != strconv.FormatInt(self.moved.Load(), 10) {
		return fmt.Errorf("%d messages were sent, the server says %s", self.moved.Load(), count)
	}
	return err
}

func (c *client) call() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := c.conn.Invoke(ctx, path+"Greet", wrapperspb.String("call"), &wrapperspb.StringValue{})
	c.mu.Lock()
	defer c.mu.Unlock()
	switch status.Code(err) {
	case codes.OK:
		c.Ok++
	case codes.DeadlineExceeded:
		c.Late++
	case codes.Unavailable:
		c.Unavailable++
	default:
		c.wrong("a call", err)
	}
	return err == nil
}

func (c *client) allMoved(by int64, marks []int64) bool {
	for i, flow := range c.flows {
		if flow.alive.Load() && flow.moved.Load() < marks[i]+by {
			return false
		}
	}
	return true
}

func (c *client) goOn(marks []int64) {
	for !c.allMoved(more, marks) {
		time.Sleep(tick)
	}
}

func (c *client) command(line string) {
	if line == "go on" {
		marks := make([]int64, len(c.flows))
		for i, flow := range c.flows {
			marks[i] = flow.moved.Load()
		}
		for !c.call() {
			time.Sleep(2 * tick)
		}
		c.goOn(marks)
		fmt.Printf("GOES ON %d\n", time.Now().UnixMilli())
		return
	}
	c.ending.Store(true)
	c.running.Wait()
	result, err := json.Marshal(c)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("RESULT %s\n", result)
	os.Exit(0)
}

func run(port, mode string) error {
	conn, err := grpc.NewClient("127.0.0.1:"+port, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	c := &client{conn: conn, Wrong: []string{}}
	c.start("stream", "GreetServerStream", c.ticks)
	c.start("chat", "GreetStream", c.chat)
	c.start("upload", "GreetClientStream", c.upload)
	if mode == "deadlines" {
		c.running.Add(1)
		go func() {
			defer c.running.Done()
			for ; !c.ending.Load(); time.Sleep(2 * tick) {
				c.running.Add(1)
				go func() {
					defer c.running.Done()
					c.call()
				}()
			}
		}()
	}
	c.goOn(make([]int64, len(c.flows)))
	fmt.Println("READY")
	lines(c.command)
	return nil
}

func main() {
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 1 && args[0] == "server":
		err = serve()
	case len(args) == 3 && args[0] == "client":
		err = run(args[1], args[2])
	default:
		err = fmt.Errorf("usage: stop server | stop client PORT MODE")
	}
	if err != nil {
		log.Fatal(err)
	}
}

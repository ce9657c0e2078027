// SPDX-License-Identifier: Apache-2.0

// Command storm is a grpc-go peer of greet.GreetService for ../../storms.
//
//	storm client PORT:STREAMS:ANSWERED:NAME...  as ../../storms/client.ts
//	storm server                        prints "READY PORT"; a unary call named "running" is answered with the number of streams that run
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
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
	deadlines = 10_000
	atOnce    = 500
	unary     = "/greet.GreetService/Greet"
	streaming = "/greet.GreetService/GreetServerStream"
	tick      = 20 * time.Millisecond
)

// Of calls that take about a millisecond: every other one may be late.
var timeouts = []time.Duration{2 * time.Millisecond, 10 * time.Second, 50 * time.Millisecond, 10 * time.Second}

type result struct {
	mu        sync.Mutex
	Cancelled int            `json:"cancelled"`
	Messages  int            `json:"messages"`
	Good      int            `json:"good"`
	Ok        int            `json:"ok"`
	Late      int            `json:"late"`
	Wrong     map[string]int `json:"wrong"`
}

func (r *result) add(count *int, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*count += n
}

func (r *result) fail(what string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Wrong[fmt.Sprintf("%s: %v", what, err)]++
}

// each calls fn for 0 to n-1, so many at once, and waits.
func each(n, atOnce int, fn func(int)) {
	var group sync.WaitGroup
	var next atomic.Int64
	for range atOnce {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				fn(int(i))
			}
		}()
	}
	group.Wait()
}

// The messages of greet.GreetService have one string, field 1, as StringValue has.
func greet(ctx context.Context, conn *grpc.ClientConn, name string) (string, error) {
	reply := &wrapperspb.StringValue{}
	err := conn.Invoke(ctx, unary, wrapperspb.String(name), reply)
	return reply.GetValue(), err
}

// stream receives until the end; io.EOF for a good one.
func stream(ctx context.Context, conn *grpc.ClientConn, name string, message func(string)) error {
	call, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, streaming)
	if err != nil {
		return err
	}
	if err := call.SendMsg(wrapperspb.String(name)); err != nil && err != io.EOF {
		return err
	}
	if err := call.CloseSend(); err != nil {
		return err
	}
	for {
		reply := &wrapperspb.StringValue{}
		if err := call.RecvMsg(reply); err != nil {
			return err
		}
		message(reply.GetValue())
	}
}

func (r *result) goOn(conn *grpc.ClientConn) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	each(100, 100, func(i int) {
		name := fmt.Sprintf("call %d", i)
		greeting, err := greet(ctx, conn, name)
		if err != nil || greeting != name {
			r.fail("a call after the storm", err)
			return
		}
		r.add(&r.Good, 1)
	})
	received := 0
	err := stream(ctx, conn, "count:100:m", func(greeting string) {
		if greeting == fmt.Sprintf("m %d", received) {
			received++
		}
	})
	if err != io.EOF || received != 100 {
		r.fail("a stream after the storm", err)
		return
	}
	r.add(&r.Good, 1)
}

func (r *result) cancelAll(conn *grpc.ClientConn, count, answered int, name string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var answering atomic.Int64
	each(count, count, func(int) {
		received := 0
		err := stream(ctx, conn, name, func(string) {
			received++
			if received == 1 && answering.Add(1) == int64(answered) {
				cancel()
			}
		})
		r.add(&r.Messages, received)
		if status.Code(err) != codes.Canceled {
			r.fail("a cancelled stream", err)
			return
		}
		r.add(&r.Cancelled, 1)
	})
}

func (r *result) haveDeadlines(conn *grpc.ClientConn) {
	each(deadlines, atOnce, func(i int) {
		ctx, cancel := context.WithTimeout(context.Background(), timeouts[i%len(timeouts)])
		defer cancel()
		_, err := greet(ctx, conn, "ms:1")
		switch status.Code(err) {
		case codes.OK:
			r.add(&r.Ok, 1)
		case codes.DeadlineExceeded:
			r.add(&r.Late, 1)
		default:
			r.fail("a call with a deadline", err)
		}
	})
}

func storms(target string, isFirst bool) error {
	parts := strings.SplitN(target, ":", 4)
	if len(parts) != 4 {
		return fmt.Errorf("%q is not PORT:STREAMS:ANSWERED:NAME", target)
	}
	count, err := strconv.Atoi(parts[1])
	if err != nil {
		return err
	}
	answered, err := strconv.Atoi(parts[2])
	if err != nil {
		return err
	}
	conn, err := grpc.NewClient("127.0.0.1:"+parts[0], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	result := &result{Wrong: map[string]int{}}
	result.goOn(conn)
	result.cancelAll(conn, count, answered, parts[3])
	result.goOn(conn)
	if isFirst {
		result.haveDeadlines(conn)
		result.goOn(conn)
	}
	line, err := json.Marshal(result)
	if err != nil {
		return err
	}
	fmt.Printf("RESULT %s\n", line)
	return nil
}

var running atomic.Int64

func handle(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	request := &wrapperspb.StringValue{}
	if err := stream.RecvMsg(request); err != nil {
		return err
	}
	name := request.GetValue()
	if method == unary {
		switch name {
		case "running":
			name = strconv.FormatInt(running.Load(), 10)
		case "ms:1":
			time.Sleep(time.Millisecond)
		}
		return stream.SendMsg(wrapperspb.String(name))
	}
	running.Add(1)
	defer running.Add(-1)
	text, isCounted := strings.CutPrefix(name, "count:100:")
	for i := 0; !isCounted || i < 100; i++ {
		if err := stream.SendMsg(wrapperspb.String(fmt.Sprintf("%s %d", text, i))); err != nil {
			return err
		}
		if name == "paced" {
			select {
			case <-time.After(tick):
			case <-stream.Context().Done():
				return stream.Context().Err()
			}
		}
	}
	return nil
}

func serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("READY %d\n", listener.Addr().(*net.TCPAddr).Port)
	return grpc.NewServer(grpc.UnknownServiceHandler(handle)).Serve(listener)
}

func main() {
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 1 && args[0] == "server":
		err = serve()
	case len(args) > 1 && args[0] == "client":
		for i, target := range args[1:] {
			if err = storms(target, i == 0); err != nil {
				break
			}
		}
	default:
		err = fmt.Errorf("usage: storm server | storm client PORT:STREAMS:ANSWERED:NAME...")
	}
	if err != nil {
		log.Fatal(err)
	}
}

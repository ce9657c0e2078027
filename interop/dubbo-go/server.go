// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/global"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	tri "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"
	"dubbo.apache.org/dubbo-go/v3/server"

	"tristream.example/interop/dubbo-go/greet"
)

type selector struct{ group, version string }

var registrations = []selector{{"", ""}, {"g1", "1.0.0"}, {"g2", "2.0.0"}}

// Greeter does what names ask for; README.md one folder up lists them. It must be exported, or dubbo-go refuses it.
type Greeter struct {
	selector
	calls *calls
}

// Reference tells the registrations of one type apart: dubbo-go keeps one service per reference.
func (g *Greeter) Reference() string { return "Greeter/" + g.group + "/" + g.version }

func (g *Greeter) greeting(name string) string {
	if g.group == "" && g.version == "" {
		return name
	}
	return name + " from " + g.group + "/" + g.version
}

func serve(stdout io.Writer, portText string, all []selector) error {
	port, err := strconv.Atoi(portText)
	if err != nil {
		return err
	}
	address := net.JoinHostPort("127.0.0.1", portText)
	// dubbo-go only logs that its port is taken
	probe, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	if err := probe.Close(); err != nil {
		return err
	}
	srv, err := server.NewServer(
		server.WithServerProtocol(protocol.WithTriple(), protocol.WithIp("127.0.0.1"), protocol.WithPort(port)),
		// by default it serves its metadata on a second port, on all interfaces
		server.SetServerApplication(&global.ApplicationConfig{MetadataType: constant.RemoteMetadataStorageType}))
	if err != nil {
		return err
	}
	shared := &calls{kept: map[string]*call{}}
	for _, s := range all {
		var options []server.ServiceOption
		if s.group != "" {
			options = append(options, server.WithGroup(s.group))
		}
		if s.version != "" {
			options = append(options, server.WithVersion(s.version))
		}
		if err := srv.Register(&Greeter{s, shared}, greet.NewServiceInfo(), options...); err != nil {
			return err
		}
	}
	// an internal service is asked for after all services are exported: the only sign of it, since Serve never returns
	server.SetProviderServices(&server.InternalService{
		Name: "ready",
		Init: func(*server.ServiceOptions) (*server.ServiceDefinition, bool) {
			go announce(stdout, address, portText)
			return nil, false
		},
	})
	return srv.Serve()
}

// announce prints READY when the port answers: dubbo-go listens in a goroutine of its own and doesn't tell.
func announce(stdout io.Writer, address, port string) {
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			fmt.Fprintln(stdout, "READY", port)
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// asked gives the error that a name asks for: "fail:CODE:TEXT" with a code, "throw:TEXT" a plain one.
func asked(name string) error {
	if text, ok := strings.CutPrefix(name, "throw:"); ok {
		return errors.New(text)
	}
	rest, ok := strings.CutPrefix(name, "fail:")
	if !ok {
		return nil
	}
	codeText, text, _ := strings.Cut(rest, ":")
	code, err := strconv.Atoi(codeText)
	if err != nil {
		return err
	}
	return tri.NewError(tri.Code(code), errors.New(text))
}

// status is the context's end as an error with its code: dubbo-go would make a plain error code 17.
func status(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return tri.NewError(tri.CodeDeadlineExceeded, ctx.Err())
	}
	return tri.NewError(tri.CodeCanceled, ctx.Err())
}

// tracked gives the key of the names that a call is remembered by.
func tracked(name string) string {
	for _, verb := range []string{"hang:", "endless:", "track:"} {
		if key, ok := strings.CutPrefix(name, verb); ok {
			return key
		}
	}
	return ""
}

func large(name string) (string, bool) {
	size, ok := strings.CutPrefix(name, "large:")
	if !ok {
		return "", false
	}
	n, err := strconv.Atoi(size)
	return strings.Repeat("x", n), err == nil
}

// describe says what metadata the handler sees: attachments of dubbo-go are the request's headers.
func describe(ctx context.Context) string {
	attachments, _ := ctx.Value(constant.AttachmentKey).(map[string]any)
	first := func(key string) string {
		values, _ := attachments[key].([]string)
		if len(values) == 0 {
			return ""
		}
		return values[0]
	}
	binary, err := tri.DecodeBinaryHeader(first("ask-bin"))
	if err != nil {
		return err.Error()
	}
	return "text=" + first("ask-text") + " bin=" + hex.EncodeToString(binary)
}

func answerMetadata(header, trailer http.Header) {
	header.Set("answer-header", "from the header")
	trailer.Set("answer-text", "from the trailer")
	trailer.Set("answer-bin", tri.EncodeBinaryHeader(answerBinary))
}

var answerBinary = []byte{0, 1, 0xfe, 0xff}

func (g *Greeter) Greet(ctx context.Context, req *greet.GreetRequest) (response *tri.Response, err error) {
	name := req.GetName()
	greeting := g.greeting(name)
	if err := asked(name); err != nil {
		return nil, err
	}
	if key := tracked(name); key != "" {
		g.calls.begin(key)
		<-ctx.Done()
		g.calls.end(key, ctx, nil)
		return nil, status(ctx)
	}
	if key, ok := strings.CutPrefix(name, "began:"); ok {
		if err := wait(ctx, g.calls.get(key).began); err != nil {
			return nil, err
		}
	}
	if key, ok := strings.CutPrefix(name, "outcome:"); ok {
		call := g.calls.get(key)
		if err := wait(ctx, call.ended); err != nil {
			return nil, err
		}
		greeting = call.outcome
	}
	if text, ok := large(name); ok {
		greeting = text
	}
	if name == "meta" {
		greeting = describe(ctx)
	}
	response = tri.NewResponse(&greet.GreetResponse{Greeting: greeting})
	if name == "meta" {
		answerMetadata(response.Header(), response.Trailer())
	}
	return response, nil
}

func (g *Greeter) GreetStream(ctx context.Context, stream *tri.BidiStream) (err error) {
	key := ""
	defer func() { g.calls.end(key, ctx, err) }()
	for {
		request := new(greet.GreetStreamRequest)
		if err := stream.Receive(request); err != nil {
			if tri.IsEnded(err) {
				return nil
			}
			return err
		}
		name := request.GetName()
		if name == "exit" {
			os.Exit(3)
		}
		if err := asked(name); err != nil {
			return err
		}
		if key == "" {
			key = tracked(name)
			g.calls.begin(key)
		}
		greeting := g.greeting(name)
		if text, ok := large(name); ok {
			greeting = text
		}
		if name == "meta" {
			greeting = describe(ctx)
			answerMetadata(stream.ResponseHeader(), stream.ResponseTrailer())
		}
		if err := stream.Send(&greet.GreetStreamResponse{Greeting: greeting}); err != nil {
			return err
		}
	}
}

func (g *Greeter) GreetClientStream(ctx context.Context, stream *tri.ClientStream) (response *tri.Response, err error) {
	key := ""
	defer func() { g.calls.end(key, ctx, err) }()
	var names []string
	answer := func() (*tri.Response, error) {
		return tri.NewResponse(&greet.GreetClientStreamResponse{Greeting: g.greeting(strings.Join(names, ","))}), nil
	}
	for {
		request := new(greet.GreetClientStreamRequest)
		if !stream.Receive(request) {
			break
		}
		name := request.GetName()
		if err := asked(name); err != nil {
			return nil, err
		}
		if key == "" {
			key = tracked(name)
			g.calls.begin(key)
		}
		names = append(names, name)
		if name == "enough" {
			return answer()
		}
	}
	if err := stream.Err(); err != nil && !tri.IsEnded(err) {
		return nil, err
	}
	return answer()
}

func (g *Greeter) GreetServerStream(ctx context.Context, req *greet.GreetServerStreamRequest, stream *tri.ServerStream) (err error) {
	name := req.GetName()
	key := tracked(name)
	g.calls.begin(key)
	defer func() { g.calls.end(key, ctx, err) }()
	send := func(greeting string) error {
		return stream.Send(&greet.GreetServerStreamResponse{Greeting: greeting})
	}
	if strings.HasPrefix(name, "hang:") {
		if err := send(name); err != nil {
			return err
		}
		<-ctx.Done()
		return status(ctx)
	}
	if strings.HasPrefix(name, "endless:") {
		for i := 0; ; i++ {
			if err := send(fmt.Sprintf("tick %d", i)); err != nil {
				return err
			}
		}
	}
	if failure := asked(name); failure != nil {
		for i := range 2 {
			if err := send(fmt.Sprintf("before %d", i)); err != nil {
				return err
			}
		}
		return failure
	}
	count, text := 5, name
	if rest, ok := strings.CutPrefix(name, "count:"); ok {
		number, after, _ := strings.Cut(rest, ":")
		text = after
		if count, err = strconv.Atoi(number); err != nil {
			return err
		}
	}
	for i := range count {
		greeting := g.greeting(fmt.Sprintf("%s %d", text, i))
		if large, ok := large(text); ok {
			greeting = large
		}
		if text == "empty" {
			greeting = ""
		}
		if err := send(greeting); err != nil {
			return err
		}
	}
	return nil
}

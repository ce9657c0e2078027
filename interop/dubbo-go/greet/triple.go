// SPDX-License-Identifier: Apache-2.0

// Package greet has the messages of the schema (greet.pb.go, generated) and dubbo-go's bindings of GreetService: what
// protoc-gen-go-triple would make, by hand and shorter.
package greet

import (
	"context"

	"dubbo.apache.org/dubbo-go/v3/client"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	tri "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"
	"dubbo.apache.org/dubbo-go/v3/server"
)

// Name is the service's name on the wire.
const Name = "greet.GreetService"

// Handler is what a server implements. Greet gives the whole response, so that it can set headers and trailers: in
// dubbo-go 3.3.1 tri.SetHeader and tri.SetTrailer always fail.
type Handler interface {
	Greet(context.Context, *GreetRequest) (*tri.Response, error)
	GreetStream(context.Context, *tri.BidiStream) error
	GreetClientStream(context.Context, *tri.ClientStream) (*tri.Response, error)
	GreetServerStream(context.Context, *GreetServerStreamRequest, *tri.ServerStream) error
}

// NewServiceInfo gives a description of its own to each registration: Server.Register appends to the one it is given.
func NewServiceInfo() *server.ServiceInfo {
	same := func(stream any) any { return stream }
	return &server.ServiceInfo{
		InterfaceName: Name,
		ServiceType:   (*Handler)(nil),
		Methods: []server.MethodInfo{
			{
				Name:        "Greet",
				Type:        constant.CallUnary,
				ReqInitFunc: func() any { return new(GreetRequest) },
				MethodFunc: func(ctx context.Context, args []any, h any) (any, error) {
					return orNil(h.(Handler).Greet(ctx, args[0].(*GreetRequest)))
				},
			},
			{
				Name:           "GreetStream",
				Type:           constant.CallBidiStream,
				StreamInitFunc: same,
				MethodFunc: func(ctx context.Context, args []any, h any) (any, error) {
					return nil, h.(Handler).GreetStream(ctx, args[0].(*tri.BidiStream))
				},
			},
			{
				Name:           "GreetClientStream",
				Type:           constant.CallClientStream,
				StreamInitFunc: same,
				MethodFunc: func(ctx context.Context, args []any, h any) (any, error) {
					return orNil(h.(Handler).GreetClientStream(ctx, args[0].(*tri.ClientStream)))
				},
			},
			{
				Name:           "GreetServerStream",
				Type:           constant.CallServerStream,
				ReqInitFunc:    func() any { return new(GreetServerStreamRequest) },
				StreamInitFunc: same,
				MethodFunc: func(ctx context.Context, args []any, h any) (any, error) {
					return nil, h.(Handler).GreetServerStream(ctx, args[0].(*GreetServerStreamRequest), args[1].(*tri.ServerStream))
				},
			},
		},
	}
}

// orNil keeps a nil response from becoming an interface value that is not nil.
func orNil(response *tri.Response, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return response, nil
}

// Client calls GreetService.
type Client struct{ conn *client.Connection }

// New makes a client of GreetService.
func New(cli *client.Client, options ...client.ReferenceOption) (*Client, error) {
	info := &client.ClientInfo{
		InterfaceName: Name,
		MethodNames:   []string{"Greet", "GreetStream", "GreetClientStream", "GreetServerStream"},
	}
	conn, err := cli.DialWithInfo(Name, info, options...)
	return &Client{conn}, err
}

// Greet is unary.
func (c *Client) Greet(ctx context.Context, name string) (string, error) {
	response := new(GreetResponse)
	err := c.conn.CallUnary(ctx, []any{&GreetRequest{Name: name}}, response, "Greet")
	return response.GetGreeting(), err
}

// GreetStream is bidirectional.
func (c *Client) GreetStream(ctx context.Context) (*tri.BidiStreamForClient, error) {
	stream, err := c.conn.CallBidiStream(ctx, "GreetStream")
	if err != nil {
		return nil, err
	}
	return stream.(*tri.BidiStreamForClient), nil
}

// GreetClientStream sends a stream and receives one answer.
func (c *Client) GreetClientStream(ctx context.Context) (*tri.ClientStreamForClient, error) {
	stream, err := c.conn.CallClientStream(ctx, "GreetClientStream")
	if err != nil {
		return nil, err
	}
	return stream.(*tri.ClientStreamForClient), nil
}

// GreetServerStream sends one message and receives a stream.
func (c *Client) GreetServerStream(ctx context.Context, name string) (*tri.ServerStreamForClient, error) {
	stream, err := c.conn.CallServerStream(ctx, &GreetServerStreamRequest{Name: name}, "GreetServerStream")
	if err != nil {
		return nil, err
	}
	return stream.(*tri.ServerStreamForClient), nil
}

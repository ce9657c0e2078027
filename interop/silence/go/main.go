// SPDX-License-Identifier: Apache-2.0

// A grpc-go server with its default enforcement of PINGs. Prints "READY PORT". A server stream gets one message, and a
// second one after 370 s of silence. A unary call is never answered.
package main

import (
	"fmt"
	"log"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const silence = 370 * time.Second

// The messages of greet.GreetService have one string, field 1, as StringValue has.
func handle(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	request := &wrapperspb.StringValue{}
	if err := stream.RecvMsg(request); err != nil {
		return err
	}
	if method != "/greet.GreetService/GreetServerStream" {
		<-stream.Context().Done()
		return stream.Context().Err()
	}
	if err := stream.SendMsg(wrapperspb.String("first")); err != nil {
		return err
	}
	select {
	case <-time.After(silence):
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
	return stream.SendMsg(wrapperspb.String("last"))
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("READY %d\n", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(grpc.NewServer(grpc.UnknownServiceHandler(handle)).Serve(listener))
}

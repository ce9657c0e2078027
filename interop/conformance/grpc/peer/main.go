// SPDX-License-Identifier: Apache-2.0

// What gRPC's interop needs of Go beside google.golang.org/grpc/interop/client:
//
//	peer protos FILE            writes the schema that is compiled into grpc-go, as a FileDescriptorSet
//	peer server                 serves grpc-go's own test service on 127.0.0.1, and prints "READY PORT"
//	peer client ADDRESS CASE…   runs the compressed cases, which grpc-go's own client lacks
package main

import (
	"fmt"
	"log"
	"net"
	"os"

	"google.golang.org/grpc"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("use: peer protos FILE | peer server | peer client ADDRESS CASE…")
	}
	switch os.Args[1] {
	case "protos":
		writeProtos(os.Args[2])
	case "server":
		serve()
	case "client":
		runCases(os.Args[2], os.Args[3:])
	default:
		log.Fatalf("%s: use protos, server or client", os.Args[1])
	}
}

func writeProtos(path string) {
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(file protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	add(testgrpc.File_grpc_testing_test_proto)
	bytes, err := proto.Marshal(set)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(path, bytes, 0o644); err != nil {
		log.Fatal(err)
	}
}

func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(grpc.StatsHandler(flags{}))
	testgrpc.RegisterTestServiceServer(server, newTestServer())
	fmt.Printf("READY %d\n", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(server.Serve(listener))
}

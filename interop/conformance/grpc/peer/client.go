// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
)

const (
	requestSize  = 271828
	responseSize = 314159
	caseTime     = 30 * time.Second
)

type testCase func(context.Context, testgrpc.TestServiceClient) error

// As doc/interop-test-descriptions.md of grpc/grpc describes them.
var cases = map[string]testCase{
	"client_compressed_unary":     clientCompressedUnary,
	"server_compressed_unary":     serverCompressedUnary,
	"client_compressed_streaming": clientCompressedStreaming,
	"server_compressed_streaming": serverCompressedStreaming,
}

func runCases(address string, names []string) {
	connection, err := grpc.NewClient(
		address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(flags{}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(2*responseSize)),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	for _, name := range names {
		run, known := cases[name]
		if !known {
			log.Fatalf("%s: no such case", name)
		}
		ctx, cancel := context.WithTimeout(context.Background(), caseTime)
		err := run(ctx, testgrpc.NewTestServiceClient(connection))
		cancel()
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
	}
}

func clientCompressedUnary(ctx context.Context, client testgrpc.TestServiceClient) error {
	call := func(compressed, expected bool) error {
		_, err := client.UnaryCall(ctx, &testgrpc.SimpleRequest{
			ExpectCompressed: &testgrpc.BoolValue{Value: expected},
			ResponseSize:     responseSize,
			Payload:          zeros(requestSize),
		}, compressedIf(compressed)...)
		return err
	}
	if err := call(false, true); status.Code(err) != codes.InvalidArgument {
		return fmt.Errorf("probe: %v, want InvalidArgument", err)
	}
	for _, compressed := range []bool{true, false} {
		if err := call(compressed, compressed); err != nil {
			return fmt.Errorf("compressed %v: %w", compressed, err)
		}
	}
	return nil
}

func serverCompressedUnary(ctx context.Context, client testgrpc.TestServiceClient) error {
	for _, compressed := range []bool{true, false} {
		ctx, noted := withCall(ctx)
		response, err := client.UnaryCall(ctx, &testgrpc.SimpleRequest{
			ResponseCompressed: &testgrpc.BoolValue{Value: compressed},
			ResponseSize:       responseSize,
			Payload:            zeros(requestSize),
		})
		if err != nil {
			return err
		}
		if err := checkAnswer(response.GetPayload(), responseSize, compressed, noted); err != nil {
			return err
		}
	}
	return nil
}

func clientCompressedStreaming(ctx context.Context, client testgrpc.TestServiceClient) error {
	probe, err := client.StreamingInputCall(ctx)
	if err != nil {
		return err
	}
	if err := probe.Send(uploaded(27182, true)); err != nil {
		return err
	}
	if _, err := probe.CloseAndRecv(); status.Code(err) != codes.InvalidArgument {
		return fmt.Errorf("probe: %v, want InvalidArgument", err)
	}

	// Prepares messages without compression: grpc-go chooses it by the stream.
	plainStream, err := client.StreamingInputCall(ctx)
	if err != nil {
		return err
	}
	stream, err := client.StreamingInputCall(ctx, grpc.UseCompressor(gzip.Name))
	if err != nil {
		return err
	}
	if err := stream.Send(uploaded(27182, true)); err != nil {
		return err
	}
	plain := &grpc.PreparedMsg{}
	if err := plain.Encode(plainStream, uploaded(45904, false)); err != nil {
		return err
	}
	if err := stream.SendMsg(plain); err != nil {
		return err
	}
	response, err := stream.CloseAndRecv()
	if err != nil {
		return err
	}
	if size := response.GetAggregatedPayloadSize(); size != 73086 {
		return fmt.Errorf("aggregated size %d, want 73086", size)
	}
	_, err = plainStream.CloseAndRecv()
	return err
}

func serverCompressedStreaming(ctx context.Context, client testgrpc.TestServiceClient) error {
	answers := []struct {
		compressed bool
		size       int32
	}{{true, 31415}, {false, 92653}}
	request := &testgrpc.StreamingOutputCallRequest{}
	for _, answer := range answers {
		request.ResponseParameters = append(request.ResponseParameters, &testgrpc.ResponseParameters{
			Size:       answer.size,
			Compressed: &testgrpc.BoolValue{Value: answer.compressed},
		})
	}
	ctx, noted := withCall(ctx)
	stream, err := client.StreamingOutputCall(ctx, request)
	if err != nil {
		return err
	}
	for _, answer := range answers {
		response, err := stream.Recv()
		if err != nil {
			return err
		}
		if err := checkAnswer(response.GetPayload(), int(answer.size), answer.compressed, noted); err != nil {
			return err
		}
	}
	if _, err := stream.Recv(); err != io.EOF {
		return fmt.Errorf("after the last answer: %v, want EOF", err)
	}
	return nil
}

func compressedIf(compressed bool) []grpc.CallOption {
	if !compressed {
		return nil
	}
	return []grpc.CallOption{grpc.UseCompressor(gzip.Name)}
}

func uploaded(size int, expectCompressed bool) *testgrpc.StreamingInputCallRequest {
	return &testgrpc.StreamingInputCallRequest{
		ExpectCompressed: &testgrpc.BoolValue{Value: expectCompressed},
		Payload:          zeros(size),
	}
}

func checkAnswer(payload *testgrpc.Payload, size int, compressed bool, noted *call) error {
	if len(payload.GetBody()) != size {
		return fmt.Errorf("answer of %d bytes, want %d", len(payload.GetBody()), size)
	}
	if got := noted.next(); got != compressed {
		return fmt.Errorf("answer of %d bytes: compressed %v, want %v", size, got, compressed)
	}
	return nil
}

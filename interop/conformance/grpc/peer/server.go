// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
)

// testServer is grpc-go's test service with what that one leaves out: what a request says of compression.
type testServer struct {
	testgrpc.TestServiceServer
}

func newTestServer() *testServer {
	return &testServer{interop.NewTestServer()}
}

func (s *testServer) UnaryCall(ctx context.Context, in *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	if err := checkFlag(in.GetExpectCompressed(), callOf(ctx).next()); err != nil {
		return nil, err
	}
	if in.GetResponseCompressed() != nil {
		if err := grpc.SetSendCompressor(ctx, compressorFor(in.GetResponseCompressed())); err != nil {
			return nil, err
		}
	}
	return s.TestServiceServer.UnaryCall(ctx, in)
}

func (s *testServer) StreamingInputCall(stream testgrpc.TestService_StreamingInputCallServer) error {
	return s.TestServiceServer.StreamingInputCall(&checkedInput{stream})
}

// checkedInput rejects what a message says of its own compression and isn't true.
type checkedInput struct {
	testgrpc.TestService_StreamingInputCallServer
}

func (s *checkedInput) Recv() (*testgrpc.StreamingInputCallRequest, error) {
	in, err := s.TestService_StreamingInputCallServer.Recv()
	if err != nil {
		return nil, err
	}
	return in, checkFlag(in.GetExpectCompressed(), callOf(s.Context()).next())
}

func (s *testServer) StreamingOutputCall(in *testgrpc.StreamingOutputCallRequest, stream testgrpc.TestService_StreamingOutputCallServer) error {
	asked := false
	for _, parameters := range in.GetResponseParameters() {
		asked = asked || parameters.GetCompressed() != nil
	}
	if !asked {
		return s.TestServiceServer.StreamingOutputCall(in, stream)
	}
	if err := grpc.SetSendCompressor(stream.Context(), gzip.Name); err != nil {
		return err
	}
	for _, parameters := range in.GetResponseParameters() {
		out := &testgrpc.StreamingOutputCallResponse{Payload: zeros(int(parameters.GetSize()))}
		if parameters.GetCompressed().GetValue() {
			if err := stream.Send(out); err != nil {
				return err
			}
			continue
		}
		// A message that is prepared has the compression that its stream's request had: none.
		plain := &grpc.PreparedMsg{}
		if err := plain.Encode(stream, out); err != nil {
			return err
		}
		if err := stream.SendMsg(plain); err != nil {
			return err
		}
	}
	return nil
}

func checkFlag(expected *testgrpc.BoolValue, compressed bool) error {
	if expected == nil || expected.GetValue() == compressed {
		return nil
	}
	return status.Errorf(codes.InvalidArgument, "compressed: %v, expected: %v", compressed, expected.GetValue())
}

func compressorFor(compressed *testgrpc.BoolValue) string {
	if compressed.GetValue() {
		return gzip.Name
	}
	return "identity"
}

func zeros(size int) *testgrpc.Payload {
	return &testgrpc.Payload{Body: make([]byte, size)}
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	tri "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"

	"tristream.example/interop/dubbo-go/greet"
)

var cases = map[string]func(context.Context, *peer) error{
	"unary":                unary,
	"server-stream":        serverStream,
	"client-stream":        clientStream,
	"bidi-stream":          bidiStream,
	"group-version":        groupVersion,
	"group-version-miss":   groupVersionMiss,
	"unknown-service":      unknownService,
	"error":                unaryError,
	"error-mid-stream":     errorMidStream,
	"error-early":          errorEarly,
	"exception":            exception,
	"early-answer":         earlyAnswer,
	"deadline":             deadline,
	"deadline-stream":      deadlineStream,
	"cancel-unary":         cancelUnary,
	"cancel-server-stream": cancelServerStream,
	"cancel-client-stream": cancelClientStream,
	"cancel-bidi-stream":   cancelBidiStream,
	"metadata":             metadata,
	"metadata-stream":      metadataStream,
	"large":                largeMessages,
	"empty":                emptyMessages,
	"many":                 manyMessages,
	"concurrent":           concurrentCalls,
	"drain":                drain,
	"crash":                crash,
}

func same[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: got %.200q, want %.200q", what, fmt.Sprint(got), fmt.Sprint(want))
	}
	return nil
}

func sameAll(what string, got, want []string) error {
	if !slices.Equal(got, want) {
		return fmt.Errorf("%s: got %d messages %.200s, want %d messages %.200s", what,
			len(got), fmt.Sprintf("%q", got), len(want), fmt.Sprintf("%q", want))
	}
	return nil
}

// failed checks code and message of an error; an empty message is any.
func failed(what string, err error, code tri.Code, message string) error {
	if err == nil {
		return fmt.Errorf("%s: no error, want %v", what, code)
	}
	if tri.CodeOf(err) != code {
		return fmt.Errorf("%s: got %v (%w), want %v", what, tri.CodeOf(err), err, code)
	}
	var status *tri.Error
	if message != "" && (!errors.As(err, &status) || status.Message() != message) {
		return fmt.Errorf("%s: got the message %q, want %q", what, err, message)
	}
	return nil
}

func (p *peer) greets(ctx context.Context, name, want string) error {
	greeting, err := p.greeter.Greet(ctx, name)
	if err != nil {
		return fmt.Errorf("greet %q: %w", name, err)
	}
	return same("greet "+name, greeting, want)
}

func all(stream *tri.ServerStreamForClient) (got []string, err error) {
	for {
		response := new(greet.GreetServerStreamResponse)
		if !stream.Receive(response) {
			return got, stream.Err()
		}
		got = append(got, response.GetGreeting())
	}
}

func (p *peer) streams(ctx context.Context, name string) ([]string, error) {
	stream, err := p.greeter.GreetServerStream(ctx, name)
	if err != nil {
		return nil, err
	}
	got, err := all(stream)
	if err != nil {
		return got, err
	}
	return got, stream.Close()
}

func (p *peer) collects(ctx context.Context, names []string) (string, error) {
	stream, err := p.greeter.GreetClientStream(ctx)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		if err := stream.Send(&greet.GreetClientStreamRequest{Name: name}); err != nil {
			return "", fmt.Errorf("send: %w", err)
		}
	}
	return answer(stream)
}

func answer(stream *tri.ClientStreamForClient) (string, error) {
	response := new(greet.GreetClientStreamResponse)
	err := stream.CloseAndReceive(tri.NewResponse(response))
	return response.GetGreeting(), err
}

func send(stream *tri.BidiStreamForClient, name string) error {
	return stream.Send(&greet.GreetStreamRequest{Name: name})
}

func receive(stream *tri.BidiStreamForClient) (string, error) {
	response := new(greet.GreetStreamResponse)
	err := stream.Receive(response)
	return response.GetGreeting(), err
}

func exchange(stream *tri.BidiStreamForClient, name, want string) error {
	if err := send(stream, name); err != nil {
		return fmt.Errorf("send %.50q: %w", name, err)
	}
	greeting, err := receive(stream)
	if err != nil {
		return fmt.Errorf("receive %.50q: %w", name, err)
	}
	return same("bidi", greeting, want)
}

// finish closes the sending side and wants the end of the stream.
func finish(stream *tri.BidiStreamForClient) error {
	if err := stream.CloseRequest(); err != nil {
		return fmt.Errorf("close request: %w", err)
	}
	if greeting, err := receive(stream); !tri.IsEnded(err) {
		return fmt.Errorf("at the end of the stream: got %q, %v", greeting, err)
	}
	return stream.CloseResponse()
}

func numbered(text string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s %d", text, i)
	}
	return names
}

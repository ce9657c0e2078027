// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	tri "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"

	"tristream.example/interop/dubbo-go/greet"
)

func key(name string) string { return fmt.Sprintf("go-%d-%s", os.Getpid(), name) }

// outcome asks how the server saw a call end.
func (p *peer) outcome(ctx context.Context, key string, wants ...string) error {
	greeting, err := p.greeter.Greet(ctx, "outcome:"+key)
	if err != nil {
		return fmt.Errorf("the server did not tell how the call ended: %w", err)
	}
	if !slices.Contains(wants, greeting) {
		return fmt.Errorf("the server's handler saw %q, want %q", greeting, wants)
	}
	return nil
}

func deadline(ctx context.Context, to *peer) error {
	id := key("deadline")
	limited, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	_, err := to.greeter.Greet(limited, "hang:"+id)
	if err := failed("deadline", err, tri.CodeDeadlineExceeded, ""); err != nil {
		return err
	}
	if to.server == "java" {
		return nil // a running unary handler is not told there
	}
	return to.outcome(ctx, id, "deadline_exceeded", "canceled")
}

func deadlineStream(ctx context.Context, to *peer) error {
	id := key("deadline-stream")
	limited, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	got, err := to.streams(limited, "hang:"+id)
	// when its own deadline is first, this client says invalid_argument, "incomplete envelope: context deadline exceeded"
	if err == nil || tri.CodeOf(err) != tri.CodeDeadlineExceeded && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("deadline: got %v", err)
	}
	return errors.Join(
		sameAll("before the deadline", got, []string{"hang:" + id}),
		to.outcome(ctx, id, "deadline_exceeded", "canceled"))
}

func cancelUnary(ctx context.Context, to *peer) error {
	id := key("cancel-unary")
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	outcome := make(chan error, 1)
	go func() {
		_, err := to.greeter.Greet(cancelled, "hang:"+id)
		outcome <- err
	}()
	if err := to.greets(ctx, "began:"+id, "began:"+id); err != nil {
		return err
	}
	cancel()
	if err := failed("cancelled", <-outcome, tri.CodeCanceled, ""); err != nil {
		return err
	}
	if to.server == "java" {
		return nil // a running unary handler is not told there
	}
	return to.outcome(ctx, id, "canceled")
}

// cancelServerStream: the server is blocked on flow control when the cancel comes.
func cancelServerStream(ctx context.Context, to *peer) error {
	id := key("cancel-server-stream")
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := to.greeter.GreetServerStream(cancelled, "endless:"+id)
	if err != nil {
		return err
	}
	for i := range 3 {
		response := new(greet.GreetServerStreamResponse)
		if !stream.Receive(response) {
			return fmt.Errorf("the stream ended: %w", stream.Err())
		}
		if err := same("message", response.GetGreeting(), fmt.Sprintf("tick %d", i)); err != nil {
			return err
		}
	}
	cancel()
	if _, err := all(stream); tri.CodeOf(err) != tri.CodeCanceled {
		return fmt.Errorf("after the cancel: got %v", err)
	}
	return to.outcome(ctx, id, "canceled")
}

// cancelClientStream: an upload that was cancelled must not look complete.
func cancelClientStream(ctx context.Context, to *peer) error {
	id := key("cancel-client-stream")
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := to.greeter.GreetClientStream(cancelled)
	if err != nil {
		return err
	}
	for _, name := range []string{"track:" + id, "two", "three"} {
		if err := stream.Send(&greet.GreetClientStreamRequest{Name: name}); err != nil {
			return err
		}
	}
	if err := to.greets(ctx, "began:"+id, "began:"+id); err != nil {
		return err
	}
	cancel()
	return to.outcome(ctx, id, "canceled")
}

func cancelBidiStream(ctx context.Context, to *peer) error {
	id := key("cancel-bidi-stream")
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := to.greeter.GreetStream(cancelled)
	if err != nil {
		return err
	}
	if err := exchange(stream, "track:"+id, "track:"+id); err != nil {
		return err
	}
	cancel()
	if _, err := receive(stream); tri.CodeOf(err) != tri.CodeCanceled {
		return fmt.Errorf("after the cancel: got %v", err)
	}
	return to.outcome(ctx, id, "canceled")
}

// drain: the server begins to shut down; a stream that is open may still finish.
func drain(ctx context.Context, to *peer) error {
	stream, err := to.greeter.GreetStream(ctx)
	if err != nil {
		return err
	}
	if err := exchange(stream, "drain", "ready"); err != nil {
		return err
	}
	if err := to.greets(ctx, "shutdown", "shutdown"); err != nil {
		return err
	}
	greeting, err := receive(stream)
	if err := errors.Join(err, same("shutdown", greeting, "draining")); err != nil {
		return err
	}
	return errors.Join(exchange(stream, "last words", "last words"), finish(stream))
}

// crash: the server's process ends in the middle of a stream.
func crash(ctx context.Context, to *peer) error {
	stream, err := to.greeter.GreetStream(ctx)
	if err != nil {
		return err
	}
	if err := exchange(stream, "one", "one"); err != nil {
		return err
	}
	if err := send(stream, "exit"); err != nil {
		return err
	}
	greeting, err := receive(stream)
	if err == nil || tri.IsEnded(err) {
		return fmt.Errorf("the stream of a server that crashed looks complete: %q, %v", greeting, err)
	}
	return nil
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	tri "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"

	"tristream.example/interop/dubbo-go/greet"
)

// text has what an encoder of grpc-message can get wrong: Latin-1, more than Latin-1, a bare and a decodable percent, a plus.
const text = `nöt hére: 100% "你好" 1+1 %41`

// unaryError: dubbo-go's client looks at :status before grpc-status, so that dubbo-java's 500 hides code and message.
func unaryError(ctx context.Context, to *peer) error {
	for code := tri.CodeCanceled; code <= tri.CodeUnauthenticated; code++ {
		_, err := to.greeter.Greet(ctx, fmt.Sprintf("fail:%d:%s", code, text))
		want, message := code, text
		if to.server == "java" {
			want, message = tri.CodeUnknown, ""
		}
		if err := failed(fmt.Sprintf("fail:%d", code), err, want, message); err != nil {
			return err
		}
	}
	return to.greets(ctx, "still here", "still here")
}

func errorMidStream(ctx context.Context, to *peer) error {
	got, err := to.streams(ctx, "fail:5:"+text)
	message := text
	if to.server == "java" {
		message = "" // it writes the message raw
	}
	return errors.Join(sameAll("before the error", got, numbered("before", 2)), failed("mid-stream", err, tri.CodeNotFound, message))
}

// errorEarly: the server ends the call while the client still sends.
func errorEarly(ctx context.Context, to *peer) error {
	stream, err := to.greeter.GreetStream(ctx)
	if err != nil {
		return err
	}
	if err := exchange(stream, "one", "one"); err != nil {
		return err
	}
	if err := send(stream, "fail:9:stop it"); err != nil {
		return err
	}
	message := "stop it"
	if to.server == "java" {
		message = ""
	}
	_, err = receive(stream)
	if err := failed("early error", err, tri.CodeFailedPrecondition, message); err != nil {
		return err
	}
	for range 1000 {
		if err := send(stream, "more"); err != nil {
			return to.greets(ctx, "still here", "still here")
		}
	}
	return errors.New("a thousand messages could be sent after the call had ended")
}

func exception(ctx context.Context, to *peer) error {
	_, err := to.greeter.Greet(ctx, "throw:broken")
	switch to.server {
	case "java":
		return failed("exception", err, tri.CodeUnknown, "")
	case "go":
		return failed("exception", err, tri.CodeBizError, "broken")
	}
	if err := failed("exception", err, tri.CodeInternal, ""); err != nil {
		return err
	}
	if strings.Contains(err.Error(), "broken") {
		return fmt.Errorf("the error shows what the handler threw: %w", err)
	}
	return nil
}

// earlyAnswer: the server answers an upload that is not finished.
func earlyAnswer(ctx context.Context, to *peer) error {
	stream, err := to.greeter.GreetClientStream(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"one", "enough"} {
		if err := stream.Send(&greet.GreetClientStreamRequest{Name: name}); err != nil {
			return err
		}
	}
	for range 100 {
		if err := stream.Send(&greet.GreetClientStreamRequest{Name: "more"}); err != nil {
			break
		}
	}
	got, err := answer(stream)
	if err != nil {
		return err
	}
	return same("answer", got, "one,enough")
}

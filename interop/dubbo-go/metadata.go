// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	tri "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"
)

func asking(ctx context.Context) context.Context {
	return tri.AppendToOutgoingContext(ctx, "ask-text", "a plain value", "ask-bin", tri.EncodeBinaryHeader(answerBinary))
}

const described = "text=a plain value bin=0001feff"

// first reads a header whatever the case of its key: dubbo-go's contexts hold them in lower case.
func first(header http.Header, key string) string {
	for name, values := range header {
		if strings.EqualFold(name, key) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

func answered(trailer http.Header) error {
	binary, err := tri.DecodeBinaryHeader(first(trailer, "answer-bin"))
	if err != nil {
		return err
	}
	if !bytes.Equal(binary, answerBinary) {
		return fmt.Errorf("answer-bin: got % x in %v", binary, trailer)
	}
	return same("answer-text", first(trailer, "answer-text"), "from the trailer")
}

// metadata: in dubbo-go 3.3.1 a unary caller sees the trailers, through the context that it sent its own with, and no headers.
func metadata(ctx context.Context, to *peer) error {
	ctx = asking(ctx)
	if err := to.greets(ctx, "meta", described); err != nil {
		return err
	}
	trailer, ok := tri.FromIncomingContext(ctx)
	if !ok {
		return errors.New("no trailers arrived")
	}
	return answered(trailer)
}

func metadataStream(ctx context.Context, to *peer) error {
	stream, err := to.greeter.GreetStream(asking(ctx))
	if err != nil {
		return err
	}
	if err := errors.Join(exchange(stream, "meta", described), finish(stream)); err != nil {
		return err
	}
	if to.server != "java" { // it has no response headers for users
		if err := same("answer-header", first(stream.ResponseHeader(), "answer-header"), "from the header"); err != nil {
			return err
		}
	}
	return answered(stream.ResponseTrailer())
}

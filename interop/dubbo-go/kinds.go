// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strings"
)

func unary(ctx context.Context, to *peer) error {
	for _, name := range []string{"triple", "你好, wörld 🚀", "a,b", strings.Repeat("n", 1000)} {
		if err := to.greets(ctx, name, name); err != nil {
			return err
		}
	}
	return nil
}

func serverStream(ctx context.Context, to *peer) error {
	got, err := to.streams(ctx, "triple")
	if err != nil {
		return err
	}
	if err := sameAll("default", got, numbered("triple", 5)); err != nil {
		return err
	}
	got, err = to.streams(ctx, "count:7:你好")
	if err != nil {
		return err
	}
	return sameAll("seven", got, numbered("你好", 7))
}

func clientStream(ctx context.Context, to *peer) error {
	got, err := to.collects(ctx, []string{"one", "two", "ç", "four", "你好"})
	if err != nil {
		return err
	}
	return same("joined", got, "one,two,ç,four,你好")
}

func bidiStream(ctx context.Context, to *peer) error {
	stream, err := to.greeter.GreetStream(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"one", "two", "你好", "four", "five"} {
		if err := exchange(stream, name, name); err != nil {
			return err
		}
	}
	return finish(stream)
}

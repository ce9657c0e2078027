// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	tri "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"
)

const many = 5000

func largeMessages(ctx context.Context, to *peer) error {
	mebibyte := strings.Repeat("0123456789abcdef", 1<<16)
	if err := to.greets(ctx, mebibyte, mebibyte); err != nil {
		return err
	}
	got, err := to.streams(ctx, "count:4:large:1048576")
	if err != nil {
		return err
	}
	x := strings.Repeat("x", 1<<20)
	if err := sameAll("server stream", got, []string{x, x, x, x}); err != nil {
		return err
	}
	quarter := mebibyte[:1<<18]
	joined, err := to.collects(ctx, []string{quarter, quarter, quarter})
	if err != nil {
		return err
	}
	if err := same("client stream", joined, quarter+","+quarter+","+quarter); err != nil {
		return err
	}
	stream, err := to.greeter.GreetStream(ctx)
	if err != nil {
		return err
	}
	for range 3 {
		if err := exchange(stream, mebibyte, mebibyte); err != nil {
			return err
		}
	}
	return finish(stream)
}

func emptyMessages(ctx context.Context, to *peer) error {
	if err := to.greets(ctx, "", ""); err != nil {
		return err
	}
	stream, err := to.greeter.GreetStream(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(exchange(stream, "", ""), exchange(stream, "", ""), finish(stream)); err != nil {
		return err
	}
	if got, err := to.collects(ctx, []string{"", "", ""}); err != nil || got != ",," {
		return fmt.Errorf("three empty messages: got %q, %v", got, err)
	}
	got, err := to.streams(ctx, "count:3:empty")
	if err := errors.Join(err, sameAll("empty messages", got, []string{"", "", ""})); err != nil {
		return err
	}
	if got, err := to.streams(ctx, "count:0:none"); err != nil || len(got) != 0 {
		return fmt.Errorf("a stream of no messages: got %q, %v", got, err)
	}
	if got, err := to.collects(ctx, nil); err != nil || got != "" {
		return fmt.Errorf("an upload of no messages: got %q, %v", got, err)
	}
	return nil
}

func manyMessages(ctx context.Context, to *peer) error {
	names := numbered("m", many)
	got, err := to.streams(ctx, fmt.Sprintf("count:%d:m", many))
	if err := errors.Join(err, sameAll("server stream", got, names)); err != nil {
		return err
	}
	joined, err := to.collects(ctx, names)
	if err := errors.Join(err, same("client stream", joined, strings.Join(names, ","))); err != nil {
		return err
	}
	stream, err := to.greeter.GreetStream(ctx)
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() {
		for _, name := range names {
			if err := send(stream, name); err != nil {
				sent <- err
				return
			}
		}
		sent <- stream.CloseRequest()
	}()
	got = nil
	for {
		greeting, err := receive(stream)
		if tri.IsEnded(err) {
			break
		}
		if err != nil {
			return errors.Join(err, <-sent)
		}
		got = append(got, greeting)
	}
	return errors.Join(<-sent, sameAll("bidi", got, names))
}

func concurrentCalls(ctx context.Context, to *peer) error {
	const calls = 100
	outcomes := make(chan error, 2*calls)
	for i := range calls {
		name := fmt.Sprintf("call %d", i)
		go func() { outcomes <- to.greets(ctx, name, name) }()
		go func() {
			got, err := to.streams(ctx, "count:20:"+name)
			outcomes <- errors.Join(err, sameAll(name, got, numbered(name, 20)))
		}()
	}
	var failures []error
	for range 2 * calls {
		failures = append(failures, <-outcomes)
	}
	return errors.Join(failures...)
}

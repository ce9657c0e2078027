// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dubbo.apache.org/dubbo-go/v3/client"
	tri "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"
)

func groupVersion(ctx context.Context, to *peer) error {
	for _, s := range registrations[1:] {
		greeter, err := dial(to.url, client.WithGroup(s.group), client.WithVersion(s.version))
		if err != nil {
			return err
		}
		selected := &peer{to.url, to.server, greeter}
		tag := " from " + s.group + "/" + s.version
		if err := selected.greets(ctx, "triple", "triple"+tag); err != nil {
			return err
		}
		stream, err := greeter.GreetStream(ctx)
		if err != nil {
			return err
		}
		if err := errors.Join(exchange(stream, "a", "a"+tag), finish(stream)); err != nil {
			return err
		}
	}
	return to.greets(ctx, "triple", "triple")
}

func groupVersionMiss(ctx context.Context, to *peer) error {
	greeter, err := dial(to.url, client.WithGroup("g9"), client.WithVersion("9.0.0"))
	if err != nil {
		return err
	}
	greeting, err := greeter.Greet(ctx, "triple")
	switch to.server {
	case "java":
		// it answers from another group and version, the plain one here
		return errors.Join(err, same("fallback", greeting, "triple"))
	case "go":
		return failed("miss", err, tri.CodeUnimplemented, "no implementation found for service group g9 and service version 9.0.0")
	}
	if err := failed("miss", err, tri.CodeUnimplemented, ""); err != nil {
		return err
	}
	if !strings.Contains(err.Error(), "g9") || !strings.Contains(err.Error(), "9.0.0") {
		return fmt.Errorf("the message does not name group and version: %w", err)
	}
	return nil
}

func unknownService(ctx context.Context, to *peer) error {
	greeter, err := dial(to.url, client.WithInterface("greet.Nobody"))
	if err != nil {
		return err
	}
	_, err = greeter.Greet(ctx, "triple")
	return failed("unknown service", err, tri.CodeUnimplemented, "")
}

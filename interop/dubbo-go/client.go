// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"dubbo.apache.org/dubbo-go/v3/client"

	"tristream.example/interop/dubbo-go/greet"
)

// peer is the server that a case talks to.
type peer struct {
	url, server string
	greeter     *greet.Client
}

func dial(url string, options ...client.ReferenceOption) (*greet.Client, error) {
	// the default, failover, tries a failed call three times
	cli, err := client.NewClient(client.WithClientURL(url), client.WithClientClusterFailFast())
	if err != nil {
		return nil, err
	}
	return greet.New(cli, options...)
}

// runCases prints a line when a case begins and one when it ended, and gives the exit code.
func runCases(stdout io.Writer, url, server string, names []string) int {
	greeter, err := dial(url)
	if err != nil {
		fmt.Fprintln(stdout, "FAIL client:", err)
		return 2
	}
	to := &peer{url, server, greeter}
	code := 0
	for _, name := range names {
		fmt.Fprintln(stdout, "RUN", name)
		if err := runCase(to, name); err != nil {
			code = 1
			fmt.Fprintf(stdout, "FAIL %s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", " | "))
			continue
		}
		fmt.Fprintln(stdout, "PASS", name)
	}
	return code
}

func runCase(to *peer, name string) (err error) {
	run, ok := cases[name]
	if !ok {
		return fmt.Errorf("this client has no such case")
	}
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("panic: %v", panicked)
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	return run(ctx, to)
}

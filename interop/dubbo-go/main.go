// SPDX-License-Identifier: Apache-2.0

// Command peer is a real dubbo-go server and client of greet.GreetService, for interop tests.
//
//	peer server PORT [GROUP VERSION]    prints "READY PORT"; without GROUP it serves ("", ""), (g1, 1.0.0) and (g2, 2.0.0)
//	peer client URL SERVER CASE...      prints "RUN case", then "PASS case" or "FAIL case: why"; exit code 1 if one failed
//
// SERVER is go, java or tristream: what the other end is, since some answers differ by what its implementation documents.
package main

import (
	"fmt"
	"os"

	// what a Triple peer without a registry needs of dubbo-go's imports package, which would also bring every registry
	_ "dubbo.apache.org/dubbo-go/v3/cluster/cluster/failfast"
	_ "dubbo.apache.org/dubbo-go/v3/cluster/loadbalance/random"
	_ "dubbo.apache.org/dubbo-go/v3/filter/accesslog"
	_ "dubbo.apache.org/dubbo-go/v3/filter/echo"
	_ "dubbo.apache.org/dubbo-go/v3/filter/exec_limit"
	_ "dubbo.apache.org/dubbo-go/v3/filter/generic"
	_ "dubbo.apache.org/dubbo-go/v3/filter/graceful_shutdown"
	_ "dubbo.apache.org/dubbo-go/v3/filter/token"
	_ "dubbo.apache.org/dubbo-go/v3/filter/tps"
	_ "dubbo.apache.org/dubbo-go/v3/protocol/triple"
	_ "dubbo.apache.org/dubbo-go/v3/proxy/proxy_factory"
	_ "dubbo.apache.org/dubbo-go/v3/registry/protocol"
	"github.com/dubbogo/gost/log/logger"
)

const usage = "usage: peer server PORT [GROUP VERSION] | peer client URL go|java|tristream CASE..."

func main() {
	// dubbo-go logs to stdout, where run.mjs reads results
	stdout := os.Stdout
	os.Stdout = os.Stderr
	logger.SetLoggerLevel("error")

	args := os.Args[1:]
	switch {
	case len(args) == 2 && args[0] == "server":
		exit(serve(stdout, args[1], registrations))
	case len(args) == 4 && args[0] == "server":
		exit(serve(stdout, args[1], []selector{{args[2], args[3]}}))
	case len(args) > 3 && args[0] == "client":
		os.Exit(runCases(stdout, args[1], args[2], args[3:]))
	default:
		exit(fmt.Errorf("%s", usage))
	}
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

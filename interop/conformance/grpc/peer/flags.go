// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"sync"

	"google.golang.org/grpc/stats"
)

// flags notes which messages of a call came compressed, in order. grpc-go shows an application no more of a message's flag than
// its two sizes; the payloads of the cases are zeros, which gzip makes much smaller.
type flags struct{}

type callKey struct{}

// call is what flags notes of one call.
type call struct {
	mu    sync.Mutex
	flags []bool
	taken int
}

// withCall gives a context whose call's flags can be asked for.
func withCall(ctx context.Context) (context.Context, *call) {
	c := &call{}
	return context.WithValue(ctx, callKey{}, c), c
}

// next says whether the next message of the call came compressed.
func (c *call) next() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken++
	return c.flags[c.taken-1]
}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

func (flags) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	if callOf(ctx) != nil {
		return ctx
	}
	ctx, _ = withCall(ctx)
	return ctx
}

func (flags) HandleRPC(ctx context.Context, event stats.RPCStats) {
	payload, ok := event.(*stats.InPayload)
	if !ok {
		return
	}
	c := callOf(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flags = append(c.flags, payload.CompressedLength != payload.Length)
}

func (flags) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (flags) HandleConn(context.Context, stats.ConnStats) {}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"sync"

	tri "dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"
)

// calls remembers when a call with a key began and how it ended, so that a client can ask what the server saw instead of
// waiting for some time.
type calls struct {
	mu   sync.Mutex
	kept map[string]*call
}

type call struct {
	began, ended chan struct{}
	outcome      string
}

func (c *calls) get(key string) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.kept[key]
	if !ok {
		found = &call{began: make(chan struct{}), ended: make(chan struct{})}
		c.kept[key] = found
	}
	return found
}

func (c *calls) begin(key string) {
	if key != "" {
		close(c.get(key).began)
	}
}

// end says how the handler's call ended: by its context, by what its stream said, or well.
func (c *calls) end(key string, ctx context.Context, err error) {
	if key == "" {
		return
	}
	call := c.get(key)
	switch {
	case errors.Is(ctx.Err(), context.Canceled), tri.CodeOf(err) == tri.CodeCanceled:
		call.outcome = "canceled"
	case ctx.Err() != nil, tri.CodeOf(err) == tri.CodeDeadlineExceeded:
		call.outcome = "deadline_exceeded"
	case err != nil:
		call.outcome = "error: " + err.Error()
	default:
		call.outcome = "ok"
	}
	close(call.ended)
}

func wait(ctx context.Context, event <-chan struct{}) error {
	select {
	case <-event:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

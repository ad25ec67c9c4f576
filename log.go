package roost

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"runtime/debug"
	"strings"
	"time"

	"github.com/roost-dev/roost/wire"
)

// What is logged of the ordinary course of things, if LogOptions asks for it.

const hidden = "[FILTERED]"

func (server *core) logConnect(r *ConnectRequest, took time.Duration, err error) {
	if !server.log.Connects {
		return
	}
	attrs := []any{"transport", r.Transport, "version", r.Version, "remote", r.RemoteAddr, "duration", took, "accepted", err == nil}
	if err != nil {
		attrs = append(attrs, "error", err)
	}
	if server.log.Params {
		attrs = append(attrs, "params", server.hide(r.Params))
	}
	server.logger.Info("roost: connect", attrs...)
}

func (server *core) logConnectPanic(p any) {
	server.logger.Error("roost: a callback panicked", "callback", "connect", "panic", p, "stack", string(debug.Stack()))
}

func (server *core) logJoin(c *conversation, j *joinRequest, took time.Duration, err error) {
	if !server.log.Joins {
		return
	}
	attrs := []any{"topic", clip(c.topic), "duration", took, "accepted", err == nil}
	if e, ok := errors.AsType[*Error](err); ok {
		attrs = append(attrs, "reason", e.Reason)
	}
	server.logger.Info("roost: join", append(attrs, server.params(j.params)...)...)
}

func (server *core) logEvent(c *conversation, m *mail, took time.Duration) {
	if !server.log.Events {
		return
	}
	attrs := []any{"topic", clip(c.topic), "event", clip(m.event), "duration", took}
	server.logger.Info("roost: event", append(attrs, server.params(m.payload)...)...)
}

func (server *core) params(p wire.Payload) []any {
	if !server.log.Params {
		return nil
	}
	if p.Binary {
		return []any{"bytes", len(p.Data)}
	}
	var v any
	if err := json.Unmarshal(p.Data, &v); err != nil {
		return nil
	}
	text, err := json.Marshal(server.hide(v), json.Deterministic(true), jsontext.EscapeForHTML(false))
	if err != nil {
		return nil
	}
	return []any{"params", string(text)}
}

// hide returns v with what a hidden name stands for replaced, at any depth.
func (server *core) hide(v any) any {
	switch v := v.(type) {
	case map[string]any:
		shown := make(map[string]any, len(v))
		for name, value := range v {
			if server.hides(name) {
				shown[name] = hidden
			} else {
				shown[name] = server.hide(value)
			}
		}
		return shown
	case []any:
		shown := make([]any, len(v))
		for i, value := range v {
			shown[i] = server.hide(value)
		}
		return shown
	default:
		return v
	}
}

func (server *core) hides(name string) bool {
	name = strings.ToLower(name)
	for _, part := range server.log.Hide {
		if strings.Contains(name, strings.ToLower(part)) {
			return true
		}
	}
	return false
}

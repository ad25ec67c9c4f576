package roost

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/roost-dev/roost/contract"
)

// Contract describes the events of the handlers that are mounted, and their
// types. It needs no client, and calls none of the application's functions: a
// server whose callbacks are methods of a zero value will do. An error names a
// type that JSON has no form for, and where it is.
//
// An application whose clients are to be typed has an exported function
//
//	func Contract() (*contract.Contract, error)
//
// for the command roost contract, which returns this.
func (s *Server[A]) Contract() (*contract.Contract, error) {
	s.core.routesMu.RLock()
	routes := slices.SortedFunc(slices.Values(s.core.routes), func(a, b *route) int { return cmp.Compare(a.pattern.text, b.pattern.text) })
	s.core.routesMu.RUnlock()
	c := &contract.Contract{Channels: []contract.Channel{}, Types: map[string]contract.Type{}}
	for _, r := range routes {
		d := description{contract: c}
		channel := d.channel(r)
		if d.err != nil {
			return nil, fmt.Errorf("roost: topic pattern %q: %w", r.pattern.text, d.err)
		}
		c.Channels = append(c.Channels, channel)
	}
	return c, nil
}

// description collects the types of one channel, and the first error.
type description struct {
	contract *contract.Contract
	err      error
}

func (d *description) channel(r *route) contract.Channel {
	h := r.routine
	channel := contract.Channel{
		Topic:  r.pattern.text,
		Params: d.of("the params of a join", h.params),
		Joined: d.of("the reply to a join", h.joined),
		In:     []contract.In{},
		Out:    []contract.Out{},
	}
	for _, event := range slices.Sorted(maps.Keys(h.ins)) {
		in := contract.In{Event: event, Payload: d.of(event, h.ins[event].payload)}
		if reply := h.ins[event].reply; reply != reflect.TypeFor[NoReply]() {
			in.Reply = new(d.of("the reply to "+event, reply))
		}
		channel.In = append(channel.In, in)
	}
	for _, event := range slices.Sorted(maps.Keys(h.emits)) {
		channel.Out = append(channel.Out, contract.Out{Event: event, Payload: d.of(event, h.emits[event])})
	}
	for _, meta := range h.metas {
		channel.Metas = append(channel.Metas, d.of("a presence meta", meta))
	}
	return channel
}

// of is the form of a payload of this type.
func (d *description) of(what string, t reflect.Type) contract.Type {
	switch t {
	case reflect.TypeFor[[]byte]():
		return contract.Type{Kind: contract.Bytes}
	case reflect.TypeFor[Payload]():
		return contract.Type{Kind: contract.Any}
	case reflect.TypeFor[Ack](), reflect.TypeFor[NoReply]():
		return contract.Type{Kind: contract.Object}
	}
	form, err := d.contract.Type(t)
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("%s: %w", what, err)
	}
	return form
}

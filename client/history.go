package client

import (
	"encoding/json/v2"

	"github.com/roost-dev/roost/wire"
)

// history is where a channel stands in its topic's history
// (spec/protocol.md §20). The channel's mutex guards it.
type history struct {
	on       bool
	received string // the position behind all that is in the inbox; empty: none is known
	handled  string // and behind all that callbacks were told
}

// request is what join params ask of the history: positions, in binary frames
// too, and what is behind the last one that is known.
type request struct {
	After  string `json:"after,omitzero"`
	Binary bool   `json:"binary"`
}

// ask adds to join params what the channel asks of the history.
func (h *history) ask(p wire.Payload) (wire.Payload, error) {
	if !h.on {
		return p, nil
	}
	return withMember(p, wire.KeyHistory, request{After: h.received, Binary: true})
}

// standing is what a join reply says.
type standing struct {
	position string
	gap      bool
}

// joined reads the reply to a join that asked with what was received.
func (h *history) joined(p wire.Payload) standing {
	if !h.on {
		return standing{}
	}
	var reply struct {
		History struct {
			Position  string `json:"position"`
			Recovered bool   `json:"recovered"`
		} `json:"_history"` //nolint:tagliatelle // the protocol's own
	}
	if p.Binary || json.Unmarshal(p.Data, &reply) != nil {
		reply.History.Position = ""
	}
	named := h.received != ""
	h.received = reply.History.Position
	return standing{position: h.received, gap: named && (h.received == "" || !reply.History.Recovered)}
}

// heard is what an event says of the history.
type heard struct {
	position  string // behind it; empty: the same as before
	marker    bool   // it says nothing else but where the channel stands
	recovered bool   // and that all that was missed was told:
	n         int    // so many events
	skipped   bool   // and that the connection cannot carry an event
}

// hear reads an event.
func (h *history) hear(m wire.ServerMessage) heard {
	if !h.on || h.received == "" {
		return heard{}
	}
	e := heard{}
	e.position, _ = m.Ref.Text()
	if m.Event != wire.KeyHistory {
		return e
	}
	e.marker = true
	var told struct {
		Recovered *int `json:"recovered"`
		Skipped   int  `json:"skipped"`
	}
	if json.Unmarshal(m.Payload.Data, &told) != nil {
		return e
	}
	e.skipped = told.Skipped > 0
	if told.Recovered != nil {
		e.recovered, e.n = true, *told.Recovered
	}
	return e
}

// keep notes that an event is in the inbox.
func (h *history) keep(e heard) {
	if e.position != "" {
		h.received = e.position
	}
}

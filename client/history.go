package client

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"hash/maphash"
	"slices"

	"github.com/roost-dev/roost/wire"
)

// history is where a channel stands in its topic's history
// (spec/protocol.md §20). The channel's mutex guards it.
type history struct {
	on       bool
	received string // the position behind all that is in the inbox; empty: none is known
	handled  string // and behind all that callbacks were told

	// A binary event has its position behind it, in a frame of its own. If the
	// connection breaks between the two, the server tells the event again.
	doubt     []uint64 // the binary broadcasts since the last position
	again     []uint64 // those that may come a second time
	replaying bool     // what was missed is being told
	dropped   int      // of it, because it had come before
}

// maxDoubt bounds how many binary events are remembered. Not all of them are
// kept by the server, so there may be many without a position.
const maxDoubt = 64

var errNoObject = errors.New("client: the parameters of a channel with History must be a JSON object")

// ask adds to join params what the channel asks of the history.
func (h *history) ask(p wire.Payload) (wire.Payload, error) {
	if !h.on {
		return p, nil
	}
	members := map[string]jsontext.Value{}
	if p.Binary || json.Unmarshal(p.Data, &members) != nil || members == nil {
		return p, errNoObject
	}
	var asked any = true
	if h.received != "" {
		asked = map[string]string{"after": h.received}
	}
	value, err := json.Marshal(asked)
	if err != nil {
		return p, err
	}
	members[wire.KeyHistory] = value
	data, err := json.Marshal(members)
	return wire.Payload{Data: data}, err
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
	h.replaying = named && h.received != "" && reply.History.Recovered
	h.dropped = 0
	if h.replaying {
		h.again = append(h.doubt, h.again...)
	} else {
		h.again = nil
	}
	h.doubt = nil
	return standing{position: h.received, gap: named && !h.replaying}
}

// heard is what an event says of the history.
type heard struct {
	position  string // behind it; empty: the same as before
	marker    bool   // it says nothing else but where the channel stands
	recovered bool   // and that all that was missed was told:
	n         int    // so many events
	twice     bool   // it was told before
	hash      uint64 // of a binary broadcast; 0: it is none
}

// hear reads an event.
func (h *history) hear(m wire.ServerMessage) heard {
	if !h.on || h.received == "" {
		return heard{}
	}
	if m.Payload.Binary {
		if m.JoinRef.IsNull() { // pushes are not kept
			return h.hearBinary(m)
		}
		return heard{}
	}
	e := heard{}
	e.position, _ = m.Ref.Text()
	if m.Event != wire.KeyHistory {
		return e
	}
	e.marker = true
	var end struct {
		Recovered *int `json:"recovered"`
	}
	if json.Unmarshal(m.Payload.Data, &end) == nil && end.Recovered != nil {
		e.recovered, e.n = true, max(0, *end.Recovered-h.dropped)
	}
	return e
}

var seed = maphash.MakeSeed()

func (h *history) hearBinary(m wire.ServerMessage) heard {
	var hash maphash.Hash
	hash.SetSeed(seed)
	_, _ = hash.WriteString(m.Event)
	_ = hash.WriteByte(0)
	_, _ = hash.Write(m.Payload.Data)
	e := heard{hash: hash.Sum64() | 1}
	if !h.replaying {
		return e
	}
	// What comes again is what was kept of them, in the same order.
	i := slices.Index(h.again, e.hash)
	if i < 0 {
		h.again = nil
		return e
	}
	h.again = h.again[i+1:]
	h.dropped++
	h.wonder(e.hash)
	e.twice = true
	return e
}

// keep notes that an event is in the inbox.
func (h *history) keep(e heard) {
	switch {
	case !h.on || h.received == "":
	case e.position != "":
		h.received, h.doubt = e.position, nil
		if !e.marker {
			h.again = nil
		}
		if e.recovered {
			h.again, h.replaying = nil, false
		}
	case e.hash != 0:
		h.wonder(e.hash)
	}
}

func (h *history) wonder(hash uint64) {
	if len(h.doubt) == maxDoubt {
		h.doubt = slices.Delete(h.doubt, 0, 1)
	}
	h.doubt = append(h.doubt, hash)
}

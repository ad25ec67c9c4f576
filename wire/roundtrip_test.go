package wire_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/roost-dev/roost/wire"
)

// generator makes messages that a frame can hold without a loss.
type generator struct {
	*rand.Rand
	t       *testing.T
	version wire.Version
}

func generators(t *testing.T, property func(*testing.T, generator)) {
	for _, v := range []wire.Version{wire.V1, wire.V2} {
		t.Run(v.String(), func(t *testing.T) {
			g := generator{rand.New(rand.NewPCG(1, uint64(v))), t, v}
			for range 3000 {
				property(t, g)
			}
		})
	}
}

func (g generator) text() string {
	alphabet := []rune("ab:/\"\\\b\f\n\r\t\x00\x1f\x7f é\u2028\u2029😀\ufffd\U0010ffff[]{},")
	var b strings.Builder
	for range g.IntN(12) {
		b.WriteRune(alphabet[g.IntN(len(alphabet))])
	}
	return b.String()
}

func (g generator) payload() wire.Payload {
	if g.version == wire.V2 && g.IntN(3) == 0 {
		data := make([]byte, g.IntN(20))
		for i := range data {
			data[i] = byte(g.Uint32())
		}
		return wire.Payload{Data: data, Binary: true}
	}
	objects := []string{`{}`, ` {"a": 1}`, `{"a":{"b":[1,"}]\"",null]}}`, `{"status":"ok","response":[]}`}
	return text(objects[g.IntN(len(objects))])
}

// anyPayload is also one that is no object.
func (g generator) anyPayload() wire.Payload {
	others := []string{`null`, `[]`, `"\u00e9]"`, `-1.5e300`, `true`, `12345678901234567890`}
	if i := g.IntN(2 * len(others)); i < len(others) {
		return text(others[i])
	}
	return g.payload()
}

func (g generator) value(p wire.Payload) wire.Value {
	if p.Binary { // an empty string is null there, and a number its digits
		if g.IntN(3) == 0 {
			return wire.Value{}
		}
		return wire.String(string([]byte{byte(1 + g.IntN(255)), byte(g.Uint32())}))
	}
	switch g.IntN(4) {
	case 0:
		return wire.Value{}
	case 1:
		return wire.String(strconv.Itoa(g.IntN(1000)))
	case 2:
		return wire.String(g.text())
	default:
		others := []string{`17`, `-0.0`, `true`, `[null,[]]`, `{"a":"\u00e9"}`}
		return raw(g.t, others[g.IntN(len(others))])
	}
}

func TestServersUnderstandClients(t *testing.T) {
	generators(t, func(t *testing.T, g generator) {
		p := g.anyPayload()
		m := wire.ClientMessage{JoinRef: g.value(p), Ref: g.value(p), Topic: wire.String(g.text()), Event: g.text(), Payload: p}
		frame, binary, err := g.version.AppendClient(nil, m)
		if err != nil {
			t.Fatalf("%+v: %v", m, err)
		}
		got, err := g.version.DecodeClient(frame, binary)
		want := plainClient(m)
		want.data = trimmed(p)
		if err != nil || plainClient(got) != want {
			t.Fatalf("%q: got %+v, %v\nwant %+v", frame, plainClient(got), err, want)
		}
	})
}

func TestClientsUnderstandServers(t *testing.T) {
	generators(t, func(t *testing.T, g generator) {
		p := g.payload()
		m := wire.ServerMessage{Topic: wire.String(g.text()), Event: "e" + g.text(), Payload: p}
		switch g.IntN(5) {
		case 0: // broadcast
		case 1: // push
			m.JoinRef = g.value(p)
		case 2: // the end of a channel
			if m.Payload = text(`{"reason":"x"}`); g.IntN(2) == 0 {
				m.Ref = g.value(m.Payload)
				m.JoinRef = m.Ref
			}
		case 3: // reply
			m.Payload = g.anyPayload()
			m.JoinRef, m.Ref = g.value(m.Payload), g.value(m.Payload)
			m.Event, m.Status = wire.EventReply, "s"+g.text()
		case 4: // an event that is kept
			m.JoinRef, m.Ref = g.value(p), wire.String("e."+g.text())
		}
		frame, binary, err := appendServer(g.version, m)
		if err != nil {
			t.Fatalf("%+v: %v", m, err)
		}
		got, err := g.version.DecodeServer(frame, binary)
		want := plainServer(m)
		want.data = trimmed(m.Payload)
		if g.version == wire.V1 {
			want.joinRef = wire.Value{}
		}
		if err != nil || plainServer(got) != want {
			t.Fatalf("%q: got %+v, %v\nwant %+v", frame, plainServer(got), err, want)
		}
	})
}

// trimmed is the payload as it comes out of a frame.
func trimmed(p wire.Payload) string {
	if p.Binary {
		return string(p.Data)
	}
	return strings.TrimSpace(string(p.Data))
}

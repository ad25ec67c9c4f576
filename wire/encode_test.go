package wire_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/roost-dev/roost/wire"
)

func TestAppend(t *testing.T) {
	null, one, two := wire.Value{}, wire.String("1"), wire.String("2")
	topic := wire.String("t")
	type frame struct {
		data   string
		binary bool
	}
	encoded := func(data []byte, binary bool, err error) func(*testing.T) frame {
		return func(t *testing.T) frame {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return frame{string(data), binary}
		}
	}
	tests := []struct {
		name string
		got  func(*testing.T) frame
		want frame
	}{
		{"push 2", encoded(wire.V2.AppendPush(nil, one, "t", "e", text(`{"a":1}`))),
			frame{`["1",null,"t","e",{"a":1}]`, false}},
		{"push 1", encoded(wire.V1.AppendPush(nil, one, "t", "e", text(` {"a":1}`))),
			frame{`{"event":"e","payload": {"a":1},"ref":null,"topic":"t"}`, false}},
		{"push binary", encoded(wire.V2.AppendPush(nil, wire.String("12"), "topic", "event", binary("efg"))),
			frame{"\x00\x02\x05\x0512topiceventefg", true}},
		{"reply 2", encoded(wire.V2.AppendReply(nil, one, two, topic, "ok", text(`[]`))),
			frame{`["1","2","t","phx_reply",{"response":[],"status":"ok"}]`, false}},
		{"reply 1", encoded(wire.V1.AppendReply(nil, one, two, topic, "error", text(`{}`))),
			frame{`{"event":"phx_reply","payload":{"response":{},"status":"error"},"ref":"2","topic":"t"}`, false}},
		{"reply binary", encoded(wire.V2.AppendReply(nil, wire.String("12"), wire.String("123"), wire.String("topic"), "ok", binary("efg"))),
			frame{"\x01\x02\x03\x05\x0212123topicokefg", true}},
		{"reply binary, refs that are not strings", encoded(wire.V2.AppendReply(nil, raw(t, "17"), null, topic, "ok", binary(""))),
			frame{"\x01\x02\x00\x01\x0217tok", true}},
		{"reply binary, ref that is not UTF-8", encoded(wire.V2.AppendReply(nil, null, wire.String("\xff"), topic, "ok", binary("x"))),
			frame{"\x01\x00\x01\x01\x02\xfftokx", true}},
		{"reply to refs and topic of other types", encoded(wire.V2.AppendReply(nil, raw(t, `{ "a" : 1 }`), raw(t, "1.50"), null, "ok", text(`1`))),
			frame{`[{"a":1},1.50,null,"phx_reply",{"response":1,"status":"ok"}]`, false}},
		{"broadcast 2", encoded(wire.V2.AppendBroadcast(nil, "t", "e", text(`{}`))),
			frame{`[null,null,"t","e",{}]`, false}},
		{"broadcast 1", encoded(wire.V1.AppendBroadcast(nil, "t", "e", text(`{}`))),
			frame{`{"event":"e","payload":{},"ref":null,"topic":"t"}`, false}},
		{"broadcast binary", encoded(wire.V2.AppendBroadcast(nil, "topic", "event", binary("efg"))),
			frame{"\x02\x05\x05topiceventefg", true}},
		{"kept broadcast 2", encoded(wire.V2.AppendKept(nil, null, "e.1.", "t", "e", text(`{}`))),
			frame{`[null,"e.1.","t","e",{}]`, false}},
		{"kept push 2", encoded(wire.V2.AppendKept(nil, one, "e.1.", "t", "e", text(`{}`))),
			frame{`["1","e.1.","t","e",{}]`, false}},
		{"kept push 1", encoded(wire.V1.AppendKept(nil, one, "e.1.", "t", "e", text(`{}`))),
			frame{`{"event":"e","payload":{},"ref":"e.1.","topic":"t"}`, false}},
		{"kept broadcast binary", encoded(wire.V2.AppendKept(nil, null, "e.1.", "topic", "event", binary("efg"))),
			frame{"\x05\x04\x05\x05e.1.topiceventefg", true}},
		{"kept push binary", encoded(wire.V2.AppendKept(nil, wire.String("12"), "e.1.", "topic", "event", binary("efg"))),
			frame{"\x06\x02\x04\x05\x0512e.1.topiceventefg", true}},
		{"end 2", encoded(wire.V2.AppendEnd(nil, one, "t", "phx_close", text(`{}`))),
			frame{`["1","1","t","phx_close",{}]`, false}},
		{"end 1", encoded(wire.V1.AppendEnd(nil, one, "t", "phx_error", text(`{"reason":"channel_crash"}`))),
			frame{`{"event":"phx_error","payload":{"reason":"channel_crash"},"ref":"1","topic":"t"}`, false}},
		{"client 2", encoded(wire.V2.AppendClient(nil, wire.ClientMessage{JoinRef: one, Ref: two, Topic: topic, Event: "e", Payload: text(`5`)})),
			frame{`["1","2","t","e",5]`, false}},
		{"client 1", encoded(wire.V1.AppendClient(nil, wire.ClientMessage{JoinRef: one, Ref: two, Topic: topic, Event: "e", Payload: text(`{}`)})),
			frame{`{"topic":"t","event":"e","payload":{},"ref":"2","join_ref":"1"}`, false}},
		{"client 1, no refs", encoded(wire.V1.AppendClient(nil, wire.ClientMessage{Topic: topic, Event: "e", Payload: text(`{}`)})),
			frame{`{"topic":"t","event":"e","payload":{},"ref":null}`, false}},
		{"client binary", encoded(wire.V2.AppendClient(nil, wire.ClientMessage{
			JoinRef: wire.String("12"), Ref: wire.String("123"), Topic: wire.String("topic"), Event: "event", Payload: binary("efg")})),
			frame{"\x00\x02\x03\x05\x0512123topiceventefg", true}},
		{"what JSON need not escape", encoded(wire.V2.AppendBroadcast(nil, "é😀/<&>'\u2028\u007f", "", text(`{}`))),
			frame{"[null,null,\"é😀/<&>'\u2028\u007f\",\"\",{}]", false}},
		{"what JSON must escape", encoded(wire.V2.AppendBroadcast(nil, "a\"b\\", "\b\f\n\r\t\x00\x1f", text(`{}`))),
			frame{`[null,null,"a\"b\\","\b\f\n\r\t\u0000\u001F",{}]`, false}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.got(t); got != test.want {
				t.Errorf("got  %q (binary: %t)\nwant %q (binary: %t)", got.data, got.binary, test.want.data, test.want.binary)
			}
		})
	}
}

func TestAppendSaysWhatItCannotEncode(t *testing.T) {
	null, one, topic := wire.Value{}, wire.String("1"), wire.String("t")
	long := strings.Repeat("x", 300)
	bad := "\xff"
	failed := func(_ []byte, _ bool, err error) error { return err }
	client := func(joinRef, ref, topic wire.Value, event string, p wire.Payload) wire.ClientMessage {
		return wire.ClientMessage{JoinRef: joinRef, Ref: ref, Topic: topic, Event: event, Payload: p}
	}
	const (
		noObject = "wire: payload of a push or a broadcast must be a JSON object"
		noText   = " is not valid UTF-8, which a text frame cannot take"
	)
	tests := []struct {
		err  error
		want string
	}{
		{failed(wire.V2.AppendPush(nil, one, "t", "e", text(`[]`))), noObject},
		{failed(wire.V2.AppendPush(nil, one, "t", "e", text(``))), noObject},
		{failed(wire.V1.AppendBroadcast(nil, "t", "e", text(`"s"`))), noObject},
		{failed(wire.V2.AppendKept(nil, one, "e.1.", "t", "e", text(`null`))), noObject},
		{failed(wire.V2.AppendEnd(nil, one, "t", "phx_close", text(`null`))), noObject},
		{failed(wire.V2.AppendEnd(nil, one, "t", "phx_close", binary(`{}`))), "wire: phx_close takes no binary payload"},
		{failed(wire.V2.AppendReply(nil, one, one, topic, "", text(`{}`))), "wire: a reply needs a status"},
		{failed(wire.V2.AppendReply(nil, one, one, topic, "ok", text(``))), "wire: payload is empty, not JSON"},
		{failed(wire.V2.AppendClient(nil, client(one, one, topic, "e", text(``)))), "wire: payload is empty, not JSON"},

		{failed(wire.V2.AppendBroadcast(nil, bad, "e", text(`{}`))), "wire: topic" + noText},
		{failed(wire.V1.AppendBroadcast(nil, "t", bad, text(`{}`))), "wire: event" + noText},
		{failed(wire.V2.AppendPush(nil, wire.String(bad), "t", "e", text(`{}`))), "wire: join_ref" + noText},
		{failed(wire.V1.AppendReply(nil, one, wire.String(bad), topic, "ok", text(`{}`))), "wire: ref" + noText},
		{failed(wire.V2.AppendReply(nil, one, one, topic, bad, text(`{}`))), "wire: status" + noText},
		{failed(wire.V1.AppendClient(nil, client(wire.String(bad), one, topic, "e", text(`{}`)))), "wire: join_ref" + noText},

		{failed(wire.V2.AppendBroadcast(nil, long, "e", binary("x"))), "wire: topic is 300 bytes, a binary frame takes at most 255"},
		{failed(wire.V2.AppendPush(nil, one, "t", long, binary("x"))), "wire: event is 300 bytes, a binary frame takes at most 255"},
		{failed(wire.V2.AppendKept(nil, null, long, "t", "e", binary("x"))), "wire: position is 300 bytes, a binary frame takes at most 255"},
		{failed(wire.V2.AppendReply(nil, wire.String(long), one, topic, "ok", binary("x"))), "wire: join_ref is 300 bytes, a binary frame takes at most 255"},
		{failed(wire.V2.AppendReply(nil, one, one, topic, long, binary("x"))), "wire: status is 300 bytes, a binary frame takes at most 255"},
		{failed(wire.V2.AppendClient(nil, client(one, wire.String(long), topic, "e", binary("x")))), "wire: ref is 300 bytes, a binary frame takes at most 255"},
		{failed(wire.V2.AppendClient(nil, client(one, one, wire.String(bad), "e", binary("x")))), "wire: topic is not valid UTF-8"},
		{failed(wire.V2.AppendPush(nil, one, "t", bad, binary("x"))), "wire: event is not valid UTF-8"},
		{failed(wire.V2.AppendPush(nil, raw(t, `[1]`), "t", "e", binary("x"))), "wire: join_ref is an array or an object, which a binary frame cannot take"},
		{failed(wire.V2.AppendReply(nil, one, one, raw(t, `{}`), "ok", binary("x"))), "wire: topic is an array or an object, which a binary frame cannot take"},
	}
	for i, test := range tests {
		t.Run(fmt.Sprint(i), func(t *testing.T) { wantError(t, test.err, test.want) })
	}
}

func TestVersion1HasNoBinaryPayloads(t *testing.T) {
	one, topic, p := wire.String("1"), wire.String("t"), binary(`{}`)
	_, _, push := wire.V1.AppendPush(nil, one, "t", "e", p)
	_, _, reply := wire.V1.AppendReply(nil, one, one, topic, "ok", p)
	_, _, broadcast := wire.V1.AppendBroadcast(nil, "t", "e", p)
	_, _, kept := wire.V1.AppendKept(nil, one, "e.1.", "t", "e", p)
	_, _, client := wire.V1.AppendClient(nil, wire.ClientMessage{Topic: topic, Event: "e", Payload: p})
	for _, err := range []error{push, reply, broadcast, kept, client} {
		if !errors.Is(err, wire.ErrBinaryV1) {
			t.Errorf("error = %v, want %v", err, wire.ErrBinaryV1)
		}
	}
}

func TestFieldsOfBinaryFramesTakeExactly255Bytes(t *testing.T) {
	topic := strings.Repeat("t", 255)
	frame, _, err := wire.V2.AppendBroadcast(nil, topic, "e", binary("x"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := wire.V2.DecodeServer(frame, true)
	if got, _ := m.Topic.Text(); err != nil || got != topic {
		t.Errorf("decoded topic of %d bytes, %v", len(got), err)
	}
}

func TestAppendLeavesWhatWasThere(t *testing.T) {
	for _, p := range []wire.Payload{text(`{"a":1}`), binary("x")} {
		alone, _, err := wire.V2.AppendPush(nil, wire.String("1"), "t", "e", p)
		if err != nil {
			t.Fatal(err)
		}
		behind, _, err := wire.V2.AppendPush([]byte("headroom"), wire.String("1"), "t", "e", p)
		if err != nil || string(behind) != "headroom"+string(alone) {
			t.Errorf("got %q, %v", behind, err)
		}
		failed, isBinary, err := wire.V2.AppendPush([]byte("headroom"), wire.String("1"), "t", "\xff", p)
		if err == nil || isBinary || string(failed) != "headroom" {
			t.Errorf("an error left %q (binary: %t), %v", failed, isBinary, err)
		}
	}
}

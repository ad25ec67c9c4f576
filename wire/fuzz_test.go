package wire_test

import (
	"testing"

	"github.com/roost-dev/roost/wire"
)

// addRecorded seeds a fuzz target with frames in every form there is.
func addRecorded(f *testing.F) {
	for _, frame := range []string{
		`[null,"1","phoenix","heartbeat",{}]`,
		` [ 17 , {"a":[1, 2]}, "t\u00e9\n", null, "\ud83d\ude00" , [] ] `,
		`["1","2","t","phx_reply",{"response":{"a":1},"status":"ok"}]`,
		`["1","e.1.","t","e",{"a":1}]`, `[null,"e.1.","t","_history",{}]`,
		`["1","2","t","e",{"a":1,"a":2}]`,
		`["1","2","t","e","\`,
		`[[[[[[]]]]]]`, `{"a"}`, `[}`, `[,:5`,
		`{"topic":"t","event":"e","payload":{},"ref":"1","join_ref":"1"}`,
		`{"event":"phx_reply","payload":{"response":[],"status":"ok"},"ref":null,"t\u006fpic":"t"}`,
	} {
		f.Add([]byte(frame), false)
	}
	for _, frame := range []string{
		"\x00\x02\x03\x05\x0512123topicevent\x65\x66\x67",
		"\x00\x02\x05\x0512topicevent\x65\x66\x67",
		"\x01\x02\x03\x05\x0212123topicok\x65\x66\x67",
		"\x02\x05\x05topicevent\x65\x66\x67",
		"\x05\x04\x05\x05e.1.topicevent\x65\x66\x67",
		"\x06\x02\x04\x05\x0512e.1.topicevent\x65\x66\x67",
		"\x06\x00\x01\x01\x01\xffte",
		"\x00\x01\x01\x01\x01\xff\xfet\xfdx",
		"\x00\xff\xff\xff\xff",
	} {
		f.Add([]byte(frame), true)
	}
}

func FuzzDecodeClientV1(f *testing.F) { fuzzDecodeClient(f, wire.V1) }
func FuzzDecodeClientV2(f *testing.F) { fuzzDecodeClient(f, wire.V2) }
func FuzzDecodeServerV1(f *testing.F) { fuzzDecodeServer(f, wire.V1) }
func FuzzDecodeServerV2(f *testing.F) { fuzzDecodeServer(f, wire.V2) }

// fuzzDecodeClient: what decodes is encoded, and decodes to the same.
func fuzzDecodeClient(f *testing.F, v wire.Version) {
	addRecorded(f)
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		m, err := v.DecodeClient(data, binary)
		if err != nil {
			return
		}
		frame, binary, err := v.AppendClient(nil, m)
		if err != nil {
			t.Fatalf("%+v cannot be encoded: %v", m, err)
		}
		again, err := v.DecodeClient(frame, binary)
		if err != nil || plainClient(again) != plainClient(m) || again.Mark != m.Mark {
			t.Fatalf("%q: %+v became %+v, %v", frame, plainClient(m), plainClient(again), err)
		}
	})
}

// fuzzDecodeServer: what decodes, and a server may send, is encoded and
// decodes to the same.
func fuzzDecodeServer(f *testing.F, v wire.Version) {
	addRecorded(f)
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		m, err := v.DecodeServer(data, binary)
		if err != nil || !mayBeSent(v, m) {
			return
		}
		frame, binary, err := appendServer(v, m)
		if err != nil {
			t.Fatalf("%+v cannot be encoded: %v", m, err)
		}
		again, err := v.DecodeServer(frame, binary)
		if err != nil || plainServer(again) != plainServer(m) {
			t.Fatalf("%q: %+v became %+v, %v", frame, plainServer(m), plainServer(again), err)
		}
	})
}

// mayBeSent reports whether there is a method to encode m. None makes a push
// of something else than an object, with a ref that is not a string, or on a
// topic that is not one, and none gives a join_ref in version 1.
func mayBeSent(v wire.Version, m wire.ServerMessage) bool {
	if v == wire.V1 && !m.JoinRef.IsNull() {
		return false
	}
	if m.Status != "" {
		return true
	}
	_, isString := m.Topic.Text()
	isObject := m.Payload.Binary || m.Payload.Data[0] == '{'
	isEvent := m.Ref.IsNull() || m.Ref == m.JoinRef || v == wire.V1 || isKept(m)
	return isString && isObject && isEvent
}

package wire_test

import (
	"strings"
	"testing"

	"github.com/roost-dev/roost/wire"
)

func BenchmarkDecodeClient(b *testing.B) {
	benchmarks := []struct {
		name    string
		version wire.Version
		frame   string
		binary  bool
	}{
		{"heartbeat", wire.V2, `[null,"12","phoenix","heartbeat",{}]`, false},
		{"push", wire.V2, `["1","12","room:lobby","new_msg",{"body":"hello"}]`, false},
		{"push/escaped", wire.V2, `["1","12","room:\u00e9","new_msg",{"body":"hello"}]`, false},
		{"push/16KiB", wire.V2, `["1","12","room:lobby","new_msg",{"body":"` + strings.Repeat("x", 16<<10) + `"}]`, false},
		{"push/binary", wire.V2, "\x00\x01\x02\x0a\x07112room:lobbynew_msghello", true},
		{"push/version1", wire.V1, `{"topic":"room:lobby","event":"new_msg","payload":{"body":"hello"},"ref":"12","join_ref":"1"}`, false},
	}
	for _, bench := range benchmarks {
		b.Run(bench.name, func(b *testing.B) {
			data := []byte(bench.frame)
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := bench.version.DecodeClient(data, bench.binary); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeServer(b *testing.B) {
	data := []byte(`["1","12","room:lobby","phx_reply",{"response":{"body":"hello"},"status":"ok"}]`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.V2.DecodeServer(data, false); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	joinRef, ref, topic := wire.String("1"), wire.String("12"), wire.String("room:lobby")
	p, raw := text(`{"body":"hello"}`), binary("hello")
	buf := make([]byte, 0, 1024)
	benchmarks := []struct {
		name   string
		append func() ([]byte, bool, error)
	}{
		{"broadcast", func() ([]byte, bool, error) { return wire.V2.AppendBroadcast(buf, "room:lobby", "new_msg", p) }},
		{"broadcast/binary", func() ([]byte, bool, error) { return wire.V2.AppendBroadcast(buf, "room:lobby", "new_msg", raw) }},
		{"broadcast/version1", func() ([]byte, bool, error) { return wire.V1.AppendBroadcast(buf, "room:lobby", "new_msg", p) }},
		{"push", func() ([]byte, bool, error) { return wire.V2.AppendPush(buf, joinRef, "room:lobby", "new_msg", p) }},
		{"reply", func() ([]byte, bool, error) { return wire.V2.AppendReply(buf, joinRef, ref, topic, "ok", p) }},
		{"reply/binary", func() ([]byte, bool, error) { return wire.V2.AppendReply(buf, joinRef, ref, topic, "ok", raw) }},
	}
	for _, bench := range benchmarks {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := bench.append(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

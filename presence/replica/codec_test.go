package replica

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func messages() []interface{ encode() []byte } {
	d := digestOf("room")
	full := Entry{Ref: "ref", PrevRef: "prev", Key: "user", Meta: []byte(`{"a":1}`)}
	return []interface{ encode() []byte }{
		&delta{topic: "room", version: 1, joins: []Entry{full, {Ref: "x", Key: "y", Meta: []byte{}}}},
		&delta{topic: "room", prev: 300, version: 1 << 60, leaves: []string{"a", ""}, replaced: []swap{{"b", full}}},
		&ask{topics: []string{"room", "", strings.Repeat("long", 100)}},
		&snapshot{asOf: 7, sections: []section{{last: true}}},
		&snapshot{asOf: 7, sections: []section{{topic: "room", last: true}, {topic: "hall", part: 3, entries: []Entry{full}}}},
		&snapshot{writer: "c", asOf: 7, sections: []section{{topic: "room", last: true, entries: []Entry{full}}}},
		&pull{first: true, upTo: 2, wants: []digest{d, digestOf("hall")}},
		&pull{seen: 9, after: 3, upTo: 3},
		&answer{reset: true, seen: 4},
		&answer{seen: 4, till: 5, now: 6, touched: []touch{{d, 5}}},
		&answer{first: true, till: 5, now: 5, upTo: 2, owned: []touch{{d, 4}, {digestOf("hall"), 5}}},
	}
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	for _, m := range messages() {
		payload := m.encode()
		got, err := decode(payload)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v was decoded as %+v, %v", m, got, err)
		}
		for n := range payload {
			if got, err := decode(payload[:n]); err == nil {
				t.Errorf("%d of %d bytes were decoded as %+v", n, len(payload), got)
			}
		}
		if got, err := decode(append(payload, 0)); err == nil {
			t.Errorf("with one byte more it was decoded as %+v", got)
		}
	}
}

func TestADecodedEntryDoesNotKeepThePayload(t *testing.T) {
	payload := messages()[0].encode()
	m, err := decode(payload)
	if err != nil {
		t.Fatal(err)
	}
	clear(payload)
	if !reflect.DeepEqual(m, messages()[0]) {
		t.Errorf("it changed to %+v", m)
	}
}

func TestKindsOfNewerReleasesAreIgnored(t *testing.T) {
	a := newNode(t, "a", nil)
	a.Up("b")
	a.take()
	if err := a.Receive("b", []byte{format, 99, 1, 2, 3}); err != nil {
		t.Error(err)
	}
	if out := a.Take(); !out.Empty() {
		t.Errorf("output is %+v", out)
	}
}

func TestAnotherFormatIsAnErrorThatSaysSo(t *testing.T) {
	err := New("a", nil).Receive("b", []byte{format + 1, kindAsk, 0})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("format %d, this release reads format %d", format+1, format)) {
		t.Errorf("error is %v", err)
	}
}

// Counts and lengths that the rest of the message cannot have are seen before
// anything is made for them.
func TestLengthsThatLieCostNothing(t *testing.T) {
	huge := binary.AppendUvarint(nil, 1<<62)
	var lies [][]byte
	for kind := byte(kindDelta); kind <= kindCopy; kind++ {
		for fields := range 7 {
			lies = append(lies, append(append([]byte{format, kind}, make([]byte, fields)...), huge...))
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, lie := range lies {
		if _, err := decode(lie); err == nil {
			t.Errorf("%x was decoded", lie)
		}
	}
	runtime.ReadMemStats(&after)
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(1024*len(lies)); got > most {
		t.Errorf("%d lies made it allocate %d bytes", len(lies), got)
	}
}

func FuzzReceive(f *testing.F) {
	for _, m := range messages() {
		f.Add(m.encode())
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		n := newNode(t, "b", nil)
		n.Up("a")
		n.want("room")
		n.want("hall")
		n.Add("room", entry("own"))
		n.take()
		before := n.Stats()
		m, err := decode(payload)
		if got := n.Receive("a", payload); (got == nil) != (err == nil) {
			t.Fatalf("Receive says %v, decode says %v", got, err)
		}
		out := n.Take()
		switch {
		case err != nil && (!out.Empty() || n.Stats() != before):
			t.Errorf("a malformed message led to %+v, %+v", out, n.Stats())
		case m != nil:
			again := m.(interface{ encode() []byte }).encode()
			if m2, err := decode(again); err != nil || !reflect.DeepEqual(m2, m) {
				t.Errorf("%+v became %+v, %v", m, m2, err)
			}
		}
		n.Tick()
		n.Down("a")
		n.Take()
		if s := n.Stats(); s.HeldEntries != 0 || s.HeldBytes != 0 {
			t.Errorf("left is %+v", s)
		}
	})
}

func TestSequencesFindWhatCameAfter(t *testing.T) {
	var s sequence[uint64]
	numbers := make([]uint64, 1001)
	for n := uint64(1); n <= 1000; n++ {
		numbers[n] = n
		s.push(n, &numbers[n])
	}
	for n := uint64(1); n <= 1000; n++ {
		if n%10 != 0 && n != 1 {
			s.drop(n)
		}
	}
	var got []uint64
	for v := range s.after(975) {
		got = append(got, *v)
	}
	if !reflect.DeepEqual(got, []uint64{980, 990, 1000}) || *s.first() != 1 || s.live != 101 {
		t.Errorf("after 975 are %v, first is %d, %d live", got, *s.first(), s.live)
	}
	if len(s.slots) > 300 {
		t.Errorf("%d slots for %d values", len(s.slots), s.live)
	}
	s.drop(1)
	if *s.first() != 10 {
		t.Errorf("first is %d", *s.first())
	}
	for n := uint64(10); n <= 1000; n += 10 {
		s.drop(n)
	}
	if s.first() != nil || len(s.slots) != 0 {
		t.Errorf("%d slots are left", len(s.slots))
	}
}

func TestPayloadsAreSmallWhereNothingHappened(t *testing.T) {
	p := (&pull{seen: 1 << 40, after: 1 << 30, upTo: 1 << 30}).encode()
	a := (&answer{seen: 1 << 40, till: 1 << 40, now: 1 << 40, after: 1 << 30, upTo: 1 << 30}).encode()
	if len(p) > 24 || len(a) > 36 || bytes.Equal(p, a) {
		t.Errorf("a pull has %d bytes, its answer %d", len(p), len(a))
	}
}

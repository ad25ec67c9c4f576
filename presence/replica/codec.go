package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A message is a byte for the format, a byte for its kind, and its fields:
// uvarints, bytes after their length, digests as they are, lists after their
// count.
const (
	format = 1

	kindDelta    = 1
	kindAsk      = 2
	kindSnapshot = 3
	kindPull     = 4
	kindAnswer   = 5
	kindCopy     = 6 // a snapshot of another writer
)

// Flags of pulls and answers.
const (
	flagFirst = 1 << iota // a pull of who knows nothing; its answer
	flagReset             // an answer that cannot tell what was touched since
	knownFlags
)

// The least bytes that an element of a list takes.
const (
	minEntry   = 4
	minSwap    = 1 + minEntry
	minString  = 1
	minSection = 3
	minTouch   = digestSize + 1
)

var errTruncated = errors.New("it ends early")

// decode returns a *delta, *ask, *snapshot, *pull or *answer; nil for a kind
// that this release does not know.
func decode(payload []byte) (any, error) {
	if len(payload) < 2 {
		return nil, fmt.Errorf("replica: message of %d bytes: %w", len(payload), errTruncated)
	}
	if payload[0] != format {
		return nil, fmt.Errorf("replica: message in format %d, this release reads format %d; run releases that the changelog calls compatible",
			payload[0], format)
	}
	r := reader{rest: payload[2:]}
	var m any
	switch payload[1] {
	case kindDelta:
		m = r.delta()
	case kindAsk:
		m = &ask{topics: list(&r, minString, r.string)}
	case kindSnapshot:
		m = &snapshot{asOf: r.uvarint(), sections: list(&r, minSection, r.section)}
	case kindCopy:
		m = r.copied()
	case kindPull:
		m = r.pull()
	case kindAnswer:
		m = r.answer()
	default:
		return nil, nil
	}
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%d bytes behind its end", len(r.rest))
	}
	if r.err != nil {
		return nil, fmt.Errorf("replica: malformed message of kind %d: %w", payload[1], r.err)
	}
	return m, nil
}

// reader reads fields until the first error.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail(errTruncated)
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail(errTruncated)
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) string() string { return string(r.bytes(r.uvarint())) }

func (r *reader) flags() byte {
	f := r.uvarint()
	if f >= knownFlags {
		r.fail(fmt.Errorf("unknown flags %#x", f))
	}
	return byte(f)
}

// list reads a count and as many elements. None takes less than so many bytes:
// a count that is too large is seen before anything is made.
func list[T any](r *reader, size int, read func() T) []T {
	n := r.uvarint()
	if n > uint64(len(r.rest)/size) {
		r.fail(errTruncated)
	}
	if n == 0 || r.err != nil {
		return nil
	}
	all := make([]T, 0, min(n, 1024)) // an element takes more here than there
	for range n {
		if all = append(all, read()); r.err != nil {
			return nil
		}
	}
	return all
}

// entry reads the lengths first, so that its strings are one allocation.
func (r *reader) entry() Entry {
	ref, prev, key, meta := r.uvarint(), r.uvarint(), r.uvarint(), r.uvarint()
	left := uint64(len(r.rest))
	if ref > left || prev > left || key > left { // so that the sum does not overflow
		r.fail(errTruncated)
		return Entry{}
	}
	s := string(r.bytes(ref + prev + key))
	m := r.bytes(meta)
	if r.err != nil {
		return Entry{}
	}
	return Entry{
		Ref: s[:ref], PrevRef: s[ref : ref+prev], Key: s[ref+prev:],
		Meta: append(make([]byte, 0, meta), m...), // the payload goes
	}
}

func (r *reader) delta() *delta {
	d := &delta{
		topic: r.string(), prev: r.uvarint(), version: r.uvarint(),
		leaves:   list(r, minString, r.string),
		replaced: list(r, minSwap, r.swap),
		joins:    list(r, minEntry, r.entry),
	}
	if r.err == nil && d.prev >= d.version {
		r.fail(fmt.Errorf("version %d after version %d", d.version, d.prev))
	}
	return d
}

func (r *reader) swap() swap { return swap{old: r.string(), entry: r.entry()} }

func (r *reader) section() section {
	s := section{topic: r.string()}
	part := r.uvarint()
	s.part, s.last = part>>1, part&1 == 1
	s.entries = list(r, minEntry, r.entry)
	return s
}

func (r *reader) copied() *snapshot {
	s := &snapshot{writer: NodeID(r.string()), asOf: r.uvarint(), sections: list(r, minSection, r.section)}
	if r.err == nil && s.writer == "" {
		r.fail(errors.New("a copy of nobody"))
	}
	return s
}

func (r *reader) digest() (d digest) {
	copy(d[:], r.bytes(digestSize))
	return d
}

func (r *reader) touch() touch { return touch{r.digest(), r.uvarint()} }

func (r *reader) pull() *pull {
	f := r.flags()
	return &pull{
		first: f&flagFirst != 0, seen: r.uvarint(), after: r.uvarint(), upTo: r.uvarint(),
		wants: list(r, digestSize, r.digest),
	}
}

func (r *reader) answer() *answer {
	f := r.flags()
	return &answer{
		first: f&flagFirst != 0, reset: f&flagReset != 0,
		seen: r.uvarint(), till: r.uvarint(), now: r.uvarint(), after: r.uvarint(), upTo: r.uvarint(),
		touched: list(r, minTouch, r.touch), owned: list(r, minTouch, r.touch),
	}
}

// The other way.

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendUvarints(b []byte, vs ...uint64) []byte {
	for _, v := range vs {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

func appendList[T any](b []byte, all []T, put func([]byte, *T) []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for i := range all {
		b = put(b, &all[i])
	}
	return b
}

func putString(b []byte, s *string) []byte { return appendString(b, *s) }
func putDigest(b []byte, d *digest) []byte { return append(b, d[:]...) }
func putSwap(b []byte, s *swap) []byte     { return putEntry(appendString(b, s.old), &s.entry) }

func putTouch(b []byte, t *touch) []byte {
	return binary.AppendUvarint(append(b, t.digest[:]...), t.version)
}

func putEntry(b []byte, e *Entry) []byte {
	b = appendUvarints(b, uint64(len(e.Ref)), uint64(len(e.PrevRef)), uint64(len(e.Key)), uint64(len(e.Meta)))
	b = append(append(append(b, e.Ref...), e.PrevRef...), e.Key...)
	return append(b, e.Meta...)
}

func putSection(b []byte, s *section) []byte {
	part := s.part << 1
	if s.last {
		part |= 1
	}
	return appendList(binary.AppendUvarint(appendString(b, s.topic), part), s.entries, putEntry)
}

// maxUvarint is what a length or a version takes at most.
const maxUvarint = binary.MaxVarintLen64

// entrySize is the most that an entry takes on the wire.
func entrySize(e *Entry) int {
	return 4*maxUvarint + len(e.Ref) + len(e.PrevRef) + len(e.Key) + len(e.Meta)
}

func (d *delta) encode() []byte {
	b := appendString([]byte{format, kindDelta}, d.topic)
	b = appendUvarints(b, d.prev, d.version)
	b = appendList(b, d.leaves, putString)
	b = appendList(b, d.replaced, putSwap)
	return appendList(b, d.joins, putEntry)
}

func (a *ask) encode() []byte {
	return appendList([]byte{format, kindAsk}, a.topics, putString)
}

func (s *snapshot) encode() []byte {
	b := []byte{format, kindSnapshot}
	if s.writer != "" {
		b = appendString([]byte{format, kindCopy}, string(s.writer))
	}
	return appendList(appendUvarints(b, s.asOf), s.sections, putSection)
}

func (p *pull) encode() []byte {
	b := []byte{format, kindPull, flag(p.first, flagFirst)}
	return appendList(appendUvarints(b, p.seen, p.after, p.upTo), p.wants, putDigest)
}

func (a *answer) encode() []byte {
	f := flag(a.first, flagFirst) | flag(a.reset, flagReset)
	b := appendUvarints([]byte{format, kindAnswer, f}, a.seen, a.till, a.now, a.after, a.upTo)
	return appendList(appendList(b, a.touched, putTouch), a.owned, putTouch)
}

func flag(set bool, f byte) byte {
	if set {
		return f
	}
	return 0
}

package replica

import "crypto/sha256"

// digest stands for a topic, in pulls and as the key of maps. Nobody can find
// two topics with the same one.
type digest [digestSize]byte

const digestSize = 16

func digestOf(topic string) (d digest) {
	sum := sha256.Sum256([]byte(topic))
	copy(d[:], sum[:])
	return d
}

// delta is what its sender changed on a topic since its delta prev.
type delta struct {
	topic         string
	prev, version uint64
	leaves        []string
	replaced      []swap
	joins         []Entry
}

// swap is an entry in the place of the one with the ref old.
type swap struct {
	old   string
	entry Entry
}

// ask asks for snapshots of topics.
type ask struct{ topics []string }

// snapshot is all that its writer has on some topics at its version asOf.
type snapshot struct {
	writer   NodeID // whom its sender answers for; empty: itself
	asOf     uint64
	sections []section
}

// section is one topic of a snapshot, or a part of one that is large.
type section struct {
	topic   string
	part    uint64 // from 0
	last    bool
	entries []Entry
}

// pull asks a node which of its topics it touched in the versions after seen,
// and at which version are those that it owns of wants. wants are the topics
// that the sender began to want with the numbers in (after, upTo].
type pull struct {
	first       bool // seen is nothing
	seen        uint64
	after, upTo uint64
	wants       []digest
}

// answer answers a pull. It lists topics by their last touch, as of its
// sender's version now, and is cut if till is less. A cut one has owned for no
// wants.
type answer struct {
	first       bool // touched is nothing, as the pull's seen was
	reset       bool // what was touched after seen is forgotten
	seen, till  uint64
	now         uint64
	after, upTo uint64  // owned is complete for the wants in (after, upTo]
	touched     []touch // complete for (seen, till]; may have no presences any more
	owned       []touch // have presences
}

// touch tells at which version a topic was changed last.
type touch struct {
	digest  digest
	version uint64
}

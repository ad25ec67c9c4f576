package pubsub

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/roost-dev/roost/history"
)

// Envelope is what travels between nodes.
type Envelope struct {
	Subject string // who wants it
	Kind    Kind
	Topic   string // of a message or a kick
	Event   string // of a message
	Payload []byte
	Binary  bool   // whether the payload is the application's own bytes and not JSON
	ID      string // the socket id that a command is for; of a kept message its Sender
	Reason  string // of a kick

	// Of a kept message, where it stands in the topic's log. These are not
	// part of its encoded form: the engine knows them.
	Position history.Position
	Previous uint64
}

// Kind tells what an envelope holds.
type Kind uint8

// The kinds of envelope. Numbers are never reused: nodes of two releases talk
// to each other during a rolling update.
const (
	KindMessage    Kind = 1 // for the subscribers of Topic
	KindDisconnect Kind = 2 // for the sockets of ID
	KindKick       Kind = 3 // for the conversations on Topic of the sockets of ID
	KindNode       Kind = 4 // between nodes themselves; only Payload is used
	KindKept       Kind = 5 // for the subscribers of Topic, by way of its log
)

// Everything shares the adapter's one space of subjects, so each kind of
// subject is marked.

// TopicSubject returns the subject of a topic. Adapters that keep history ask.
func TopicSubject(topic string) string { return "t:" + topic }

// idBuckets is the number of subjects that socket ids share. A subject for
// each would have every engine hold as many as the cluster has users, for
// commands that are seldom given; so a node gets those of other nodes' users
// too, one in idBuckets for each that it has itself.
const idBuckets = 1024

func idSubject(id string) string {
	hash := uint32(2166136261) // FNV-1a: alike on all nodes
	for i := range len(id) {
		hash = (hash ^ uint32(id[i])) * 16777619
	}
	return "i:" + strconv.Itoa(int(hash%idBuckets))
}

// envelopeVersion is the first byte of an encoded envelope.
const envelopeVersion = 1

const envelopeBinary = 1 // a flag

// maxEnvelopeName bounds a subject, topic, event, id or reason in bytes, far
// above what a client may send.
const maxEnvelopeName = 1 << 20

// AppendBinary appends the envelope as adapters send it: version, kind, flags,
// the strings with their lengths before them, the payload to the end. The
// subject is left out where the topic tells it.
func (e *Envelope) AppendBinary(b []byte) ([]byte, error) {
	var flags byte
	if e.Binary {
		flags |= envelopeBinary
	}
	subject := e.Subject
	if subject == TopicSubject(e.Topic) {
		subject = ""
	}
	b = append(b, envelopeVersion, byte(e.Kind), flags)
	for _, s := range [...]string{subject, e.Topic, e.Event, e.ID, e.Reason} {
		if len(s) > maxEnvelopeName {
			return nil, fmt.Errorf("pubsub: a name of %d bytes does not fit into an envelope of at most %d", len(s), maxEnvelopeName)
		}
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return append(b, e.Payload...), nil
}

var errEnvelope = errors.New("pubsub: not an envelope of a version known here")

// UnmarshalBinary reads what AppendBinary wrote. The payload shares memory
// with b. An envelope of a kind or with flags unknown here is no error.
func (e *Envelope) UnmarshalBinary(b []byte) error {
	if len(b) < 3 || b[0] != envelopeVersion {
		return errEnvelope
	}
	*e = Envelope{Kind: Kind(b[1]), Binary: b[2]&envelopeBinary != 0}
	b = b[3:]
	for _, s := range [...]*string{&e.Subject, &e.Topic, &e.Event, &e.ID, &e.Reason} {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return errEnvelope
		}
		b = b[n:]
		*s, b = string(b[:size]), b[size:]
	}
	e.Payload = b
	if e.Subject == "" {
		e.Subject = TopicSubject(e.Topic)
	}
	return nil
}

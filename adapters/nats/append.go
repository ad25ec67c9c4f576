package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// headerLife tells the life of the topic that an event is of: the day on which
// it began. The event that began it has firstMark behind that.
const (
	headerLife = "Roost-Life"
	firstMark  = "."
)

// Headers of JetStream.
const (
	headerID           = "Nats-Msg-Id"
	headerExpectStream = "Nats-Expected-Stream"
	headerExpectLast   = "Nats-Expected-Last-Subject-Sequence"
	headerStream       = "Nats-Stream"
	headerSequence     = "Nats-Sequence"
	headerLastSequence = "Nats-Last-Sequence"
)

// appending is an append on its way.
type appending struct {
	id     string
	topic  string
	event  history.Event
	data   []byte
	sent   bool       // the server may have it
	echoed chan place // gets what comes back; has room for one
}

// place is where an event stands.
type place struct{ seq, previous uint64 }

// Append implements [history.Log]. Where this node wants the topic, it waits
// for the event to come back, which tells what is before it. Otherwise it asks
// the server.
func (l *eventLog) Append(ctx context.Context, topic string, e history.Event) (history.Entry, error) {
	if l.rules.For(topic, e.Name) == nil {
		return history.Entry{}, fmt.Errorf("nats: no rule keeps event %q of topic %q", e.Name, topic)
	}
	rule, err := l.ruleFor(topic)
	if err != nil {
		return history.Entry{}, err
	}
	envelope := pubsub.Envelope{
		Subject: pubsub.TopicSubject(topic), Kind: pubsub.KindKept,
		Topic: topic, Event: e.Name, Payload: e.Payload, Binary: e.Binary, ID: e.Sender,
	}
	data, err := envelope.AppendBinary(make([]byte, 0, 32+len(topic)+len(e.Name)+len(e.Sender)+len(e.Payload)))
	if err != nil {
		return history.Entry{}, err
	}
	if limit := l.link.maxPayload.Load(); limit > 0 && int64(len(data)+headerRoom) > limit {
		return history.Entry{}, fmt.Errorf("nats: %w: %d bytes of at most %d", pubsub.ErrTooLarge, len(data), limit-headerRoom)
	}
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return history.Entry{}, fmt.Errorf("nats: too many appends are on their way: %w", context.Cause(ctx))
	}
	defer func() { <-l.slots }()
	return l.append(ctx, rule, &appending{topic: topic, event: e, data: data, echoed: make(chan place, 1)})
}

// headerRoom is what the headers of an append need at most, in bytes.
const headerRoom = 512

func (l *eventLog) append(ctx context.Context, rule *keptRule, a *appending) (history.Entry, error) {
	l.mu.Lock()
	l.number++
	a.id = l.id + strconv.FormatUint(l.number, 36)
	l.appends[a.id] = a
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.appends, a.id)
	}()
	var entry history.Entry
	err := l.insist(ctx, func(ctx context.Context) (err error) {
		entry, err = l.appendOnce(ctx, rule, a)
		return err
	})
	if err != nil && a.sent {
		return history.Entry{}, fmt.Errorf("%w: %w", history.ErrUncertain, err)
	}
	return entry, err
}

// appendOnce is one attempt. The server knows an id again, so that there may be
// several.
func (l *eventLog) appendOnce(ctx context.Context, rule *keptRule, a *appending) (history.Entry, error) {
	s, err := l.open(ctx, rule)
	if err != nil {
		return history.Entry{}, err
	}
	subject := s.subject(a.topic)
	life, last, err := l.lifeOf(ctx, s, a.topic)
	if err != nil {
		return history.Entry{}, err
	}
	m := &nats.Msg{Subject: subject, Data: a.data, Header: nats.Header{
		headerID:           {a.id},
		headerExpectStream: {s.name},
		headerLife:         {life},
	}}
	if last != nil {
		m.Header[headerExpectLast] = []string{strconv.FormatUint(*last, 10)}
		if *last == 0 {
			m.Header[headerLife] = []string{life + firstMark}
		}
	}
	seq, duplicate, err := l.publish(ctx, a, m)
	if err = l.asked(s, err); err != nil {
		if hasCode(err, codeOtherLast, codeOtherLastToo) {
			s.forget(a.topic)
			return history.Entry{}, awayError{err} // another node was first
		}
		return history.Entry{}, err
	}
	s.saw(a.topic, life, seq) // who appends after it, and asks what is before
	var previous uint64
	if last != nil && !duplicate {
		previous = *last
	} else if previous, err = l.previous(ctx, s, a, seq); err != nil {
		return history.Entry{}, awayError{err}
	}
	l.trims.note(s, subject, seq)
	position := history.Position{Epoch: epochOf(s.name, a.topic, life), Seq: seq}
	return history.Entry{Event: a.event, Position: position, Previous: previous}, nil
}

// publish has the server store a message. That it may be there is noted before
// it can be.
func (l *eventLog) publish(ctx context.Context, a *appending, m *nats.Msg) (seq uint64, duplicate bool, err error) {
	nc, err := l.connected()
	if err != nil {
		return 0, false, err
	}
	sent := a.sent
	a.sent = true
	answer, err := nc.RequestMsgWithContext(ctx, m)
	if err != nil {
		if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrReconnectBufExceeded) {
			a.sent = sent // nobody took it
		}
		return 0, false, away(ctx, err)
	}
	var ack struct {
		Error     *nats.APIError `json:"error"`
		Seq       uint64         `json:"seq"`
		Duplicate bool           `json:"duplicate"`
	}
	if err := json.Unmarshal(answer.Data, &ack); err != nil {
		return 0, false, fmt.Errorf("nats: what the server said of an append is not understood: %w", err)
	}
	if ack.Error != nil {
		err := refused(ack.Error)
		if again := (awayError{}); !errors.As(err, &again) {
			a.sent = sent
		}
		return 0, false, err
	}
	return ack.Seq, ack.Duplicate, nil
}

// echoPatience is how long an append that is acknowledged waits for its event
// to come back, which it does before that as a rule.
const echoPatience = 100 * time.Millisecond

// previous returns the sequence number of the event before one that this node
// has appended.
func (l *eventLog) previous(ctx context.Context, s *stream, a *appending, seq uint64) (uint64, error) {
	l.mu.Lock()
	wanted := l.wanted[pubsub.TopicSubject(a.topic)]
	l.mu.Unlock()
	patience := time.Duration(0)
	if wanted {
		patience = echoPatience
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case at := <-a.echoed:
		if at.seq == seq {
			return at.previous, nil
		}
	case <-timer.C:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	return l.walk(ctx, s, a.topic, seq)
}

// walk finds the event before one, by those behind some that is known.
func (l *eventLog) walk(ctx context.Context, s *stream, topic string, seq uint64) (uint64, error) {
	subject := s.subject(topic)
	at := s.knownBefore(topic, seq)
	if at == seq-1 && at > 0 {
		return at, nil
	}
	for {
		m, err := l.next(ctx, s, subject, at+1)
		switch {
		case err != nil:
			return 0, err
		case m == nil || m.seq > seq, m.seq == seq && at == 0 && !m.first:
			// Trimmed already. Whoever gets it misses something.
			return seq - 1, nil
		case m.seq < seq:
			at = m.seq
			continue
		case at == 0:
			return 0, nil
		}
		// Is it still there? Otherwise one between may have gone, too.
		if m, err = l.next(ctx, s, subject, at); err != nil {
			return 0, err
		}
		if m == nil || m.seq != at {
			return seq - 1, nil
		}
		return at, nil
	}
}

// place says where an envelope that came stands in its topic's log, if it is
// of one.
func (l *link) place(e *pubsub.Envelope, m *nats.Msg) error {
	stream := m.Header.Get(headerStream)
	if stream == "" && e.Kind != pubsub.KindKept {
		return nil
	}
	seq, err := strconv.ParseUint(m.Header.Get(headerSequence), 10, 64)
	if err != nil {
		return err
	}
	previous, err := strconv.ParseUint(m.Header.Get(headerLastSequence), 10, 64)
	if err != nil {
		return err
	}
	life := m.Header.Get(headerLife)
	if n := len(life) - len(firstMark); n > 0 && life[n:] == firstMark {
		life = life[:n]
	}
	if life == "" || stream == "" || e.Kind != pubsub.KindKept {
		return errors.New("a kept event comes with its place in a stream, and nothing else does")
	}
	e.Position, e.Previous = history.Position{Epoch: epochOf(stream, e.Topic, life), Seq: seq}, previous
	if l.log != nil {
		l.log.echo(m.Header.Get(headerID), place{seq, previous})
	}
	return nil
}

// echo takes what came back of an event, if this node has appended it.
func (l *eventLog) echo(id string, at place) {
	if len(id) <= len(l.id) || id[:len(l.id)] != l.id {
		return
	}
	l.mu.Lock()
	a := l.appends[id]
	l.mu.Unlock()
	if a == nil {
		return
	}
	select {
	case a.echoed <- at:
	default: // it came twice
	}
}

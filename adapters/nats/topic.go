package nats

import (
	"context"
	"slices"
	"time"
)

// topicState is what a node knows of a topic.
type topicState struct {
	life  string
	fresh time.Time // the topic certainly had an event then, or later
	known []uint64  // some of its last events, in order
}

// lifeOf returns the life that the topic's next event is of. If last is not
// nil, that event must come behind it: the topic is new, or so old that its
// life may end.
func (l *eventLog) lifeOf(ctx context.Context, s *stream, topic string) (life string, last *uint64, err error) {
	s.mu.Lock()
	if t := s.state(topic); t != nil && time.Since(t.fresh) < idleTime/2 {
		life = t.life
	}
	s.mu.Unlock()
	if life != "" {
		return life, nil, nil
	}
	m, err := l.get(ctx, s, query{LastBySubject: s.subject(topic)})
	switch {
	case err != nil:
		return "", nil, err
	case m == nil:
		return today(), new(uint64), nil
	case time.Since(m.at) > idleTime/2:
		return m.life, &m.seq, nil
	}
	s.saw(topic, m.life, m.seq)
	return m.life, nil, nil
}

// state returns what is known of a topic, or nil. The caller holds mu.
func (s *stream) state(topic string) *topicState {
	if t := s.topics[topic]; t != nil {
		return t
	}
	return s.before[topic]
}

func (s *stream) forget(topic string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.topics, topic)
	delete(s.before, topic)
}

// maxKnown is how many events of a topic are known to be there.
const maxKnown = 256

// saw notes an event of a topic.
func (s *stream) saw(topic, life string, seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.state(topic)
	if t == nil || t.life != life {
		t = &topicState{life: life}
	}
	if s.topics[topic] != t {
		if len(s.topics) >= maxTopics/2 {
			s.topics, s.before = make(map[string]*topicState), s.topics
		}
		s.topics[topic] = t
	}
	t.fresh = time.Now()
	i, known := slices.BinarySearch(t.known, seq)
	if !known {
		t.known = slices.Insert(t.known, i, seq)
	}
	if len(t.known) > maxKnown {
		t.known = slices.Delete(t.known, 0, 1)
	}
}

// knownBefore returns the last event before seq that is known, or 0.
func (s *stream) knownBefore(topic string, seq uint64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.state(topic); t != nil {
		if i, _ := slices.BinarySearch(t.known, seq); i > 0 {
			return t.known[i-1]
		}
	}
	return 0
}

package roost

import (
	"iter"
	"slices"
)

// topicSet is a socket's conversations by topic. Most sockets have one or
// two: these cost no map.
type topicSet struct {
	few  []*conversation
	many map[string]*conversation // instead of few, from fewMost on
}

const fewMost = 8

func (s *topicSet) get(topic string) *conversation {
	if s.many != nil {
		return s.many[topic]
	}
	if i := s.index(topic); i >= 0 {
		return s.few[i]
	}
	return nil
}

func (s *topicSet) index(topic string) int {
	return slices.IndexFunc(s.few, func(c *conversation) bool { return c.topic == topic })
}

// put sets the conversation of its topic.
func (s *topicSet) put(c *conversation) {
	i := s.index(c.topic)
	switch {
	case s.many != nil:
		s.many[c.topic] = c
	case i >= 0:
		s.few[i] = c
	case len(s.few) < fewMost:
		s.few = append(s.few, c)
	default:
		s.many = make(map[string]*conversation, 2*fewMost)
		for _, old := range s.few {
			s.many[old.topic] = old
		}
		s.many[c.topic] = c
		s.few = nil
	}
}

// remove takes c out, unless another one has taken its topic.
func (s *topicSet) remove(c *conversation) {
	if s.many != nil {
		if s.many[c.topic] == c {
			delete(s.many, c.topic)
		}
		return
	}
	if i := slices.Index(s.few, c); i >= 0 {
		s.few = slices.Delete(s.few, i, i+1)
	}
}

func (s *topicSet) len() int { return len(s.few) + len(s.many) }

func (s *topicSet) all() iter.Seq[*conversation] {
	return func(yield func(*conversation) bool) {
		for _, c := range s.few {
			if !yield(c) {
				return
			}
		}
		for _, c := range s.many {
			if !yield(c) {
				return
			}
		}
	}
}

package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// eventLog is the log of topics with history, on JetStream.
//
// Each rule has a stream, and each topic a subject in it. The server gives an
// event its position, and then publishes it on the subject that nodes want,
// with that and the position of the event before it on the topic.
//
// A stream keeps one event of a topic more than the rule says, its marker: as
// long as that is there, nothing behind it has gone. Only the very first event
// of a topic, which says so, is no marker. Old events are taken away up to the
// last of them, so the marker stays when all are old, for two days (idleTime).
type eventLog struct {
	link     *link
	names    names
	rules    *history.Rules
	replicas int
	patience time.Duration // how long NATS may take for an answer, in all
	id       string        // of this run, begins those of its appends
	slots    chan struct{} // taken by appends on their way
	trims    *trims

	mu      sync.Mutex // guards what follows
	kept    map[string]*keptRule
	appends map[string]*appending // by id
	number  uint64                // of the last append
	wanted  map[string]bool       // topics' subjects
	watched map[string]bool       // streams, by name
}

var _ pubsub.EngineLog = (*eventLog)(nil)

// maxAppends is how many appends of a node are on their way at a time. Further
// ones wait.
const maxAppends = 1024

func (l *link) openLog(rules *history.Rules, replicas int, patience time.Duration) (*eventLog, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.phase != fresh || l.log != nil {
		return nil, errors.New("nats: a log is opened once, before the adapter starts")
	}
	l.log = newEventLog(l, l.names, rules, replicas, patience)
	return l.log, nil
}

func newEventLog(l *link, names names, rules *history.Rules, replicas int, patience time.Duration) *eventLog {
	return &eventLog{
		link:     l,
		names:    names,
		rules:    rules,
		replicas: replicas,
		patience: patience,
		id:       rand.Text()[:10] + ".",
		slots:    make(chan struct{}, maxAppends),
		trims:    newTrims(),
		kept:     make(map[string]*keptRule),
		appends:  make(map[string]*appending),
		wanted:   make(map[string]bool),
		watched:  make(map[string]bool),
	}
}

// want notes which topics the node gets, and so what it has appended there.
func (l *eventLog) want(subject string, wanted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wanted {
		l.wanted[subject] = true
	} else {
		delete(l.wanted, subject)
	}
}

// ruleFor returns the rule that keeps a topic.
func (l *eventLog) ruleFor(topic string) (*keptRule, error) {
	keep := l.rules.ForTopic(topic)
	if keep == nil {
		return nil, fmt.Errorf("nats: no rule keeps topic %q", topic)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// A rule is known by the first of its topics, which no other can have, so
	// that it may change, or get another place.
	name := keep.Topics[0]
	r := l.kept[name]
	if r == nil {
		r = &keptRule{
			Keep:   keep,
			prefix: l.names.own("k.") + token(name) + ".",
			opened: make(chan struct{}, 1),
		}
		l.kept[name] = r
	}
	return r, nil
}

// Last implements [history.Log].
func (l *eventLog) Last(ctx context.Context, topic string) (history.Position, error) {
	rule, err := l.ruleFor(topic)
	if err != nil {
		return history.Position{}, err
	}
	var last history.Position
	err = l.insist(ctx, func(ctx context.Context) error {
		s, err := l.open(ctx, rule)
		if err != nil {
			return err
		}
		last, err = l.lastIn(ctx, s, topic)
		return err
	})
	return last, err
}

func (l *eventLog) lastIn(ctx context.Context, s *stream, topic string) (history.Position, error) {
	m, err := l.get(ctx, s, query{LastBySubject: s.subject(topic)})
	if err != nil {
		return history.Position{}, err
	}
	return s.positionOf(topic, m), nil
}

// maxAsking is how many topics the server is asked about at a time.
const maxAsking = 32

// Lasts implements [pubsub.EngineLog].
func (l *eventLog) Lasts(ctx context.Context, topics []string) ([]history.Position, error) {
	lasts := make([]history.Position, len(topics))
	byRule := make(map[*keptRule][]int)
	for i, topic := range topics {
		rule, err := l.ruleFor(topic)
		if err != nil {
			return nil, err
		}
		byRule[rule] = append(byRule[rule], i)
	}
	for rule, indexes := range byRule {
		err := l.insist(ctx, func(ctx context.Context) error { return l.lastsIn(ctx, rule, topics, indexes, lasts) })
		if err != nil {
			return nil, err
		}
	}
	return lasts, nil
}

// lastsIn answers for those topics that one stream has. While nothing was
// added to that, the last answers are good.
func (l *eventLog) lastsIn(ctx context.Context, rule *keptRule, topics []string, indexes []int, lasts []history.Position) error {
	s, err := l.open(ctx, rule)
	if err != nil {
		return err
	}
	end, err := l.endOf(ctx, s)
	if err != nil {
		return err
	}
	var unknown []int
	s.mu.Lock()
	for _, i := range indexes {
		if answer, ok := s.answers[topics[i]]; ok && answer.end == end {
			lasts[i] = answer.last
		} else {
			unknown = append(unknown, i)
		}
	}
	s.mu.Unlock()
	return l.askLasts(ctx, unknown, func(ctx context.Context, i int) error {
		last, err := l.lastIn(ctx, s, topics[i])
		if err == nil {
			lasts[i] = last
			s.remember(topics[i], answer{end, last})
		}
		return err
	})
}

// askLasts asks for several topics at a time.
func (l *eventLog) askLasts(ctx context.Context, indexes []int, ask func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan int)
	var wg sync.WaitGroup
	for range min(maxAsking, len(indexes)) {
		wg.Go(func() {
			for i := range work {
				if err := ask(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, i := range indexes {
		work <- i
	}
	close(work)
	wg.Wait()
	return context.Cause(ctx)
}

package redis

import (
	"context"
	"fmt"

	"github.com/roost-dev/roost/pubsub"
)

// batchSubjects is how many subscriptions begin or end in one exchange.
const batchSubjects = 1024

// interest is what this node wants of a subject, and what servers know of it.
// It stands in the list of the server that has work with it. All is guarded by
// the adapter.
type interest struct {
	subject string
	at      *server // has the subscription; nil: none has
	round   *round  // is over when this is done; nil: nothing is to be done
	wanted  bool
	queued  bool // stands in a list, or was taken from it and is not done
}

// round is what was said between two takings from the lists. A Settle waits
// for the end of its round, and all before it.
type round struct {
	left int
	done chan struct{}
}

// want says what Interest says.
func (a *Adapter) want(subject string, wanted bool) {
	i := a.interests[subject]
	if i == nil {
		if !wanted {
			return
		}
		i = &interest{subject: subject}
		a.interests[subject] = i
	}
	i.wanted = wanted
	a.enlist(i, false)
}

// due tells whether there is work with i.
func (a *Adapter) due(i *interest) bool {
	if !i.wanted {
		return i.at != nil
	}
	owner := a.owner(i)
	return i.at != owner && (i.at == nil || owner != a.nowhere)
}

func (a *Adapter) owner(i *interest) *server { return a.layout.owner(a.channel(i.subject)) }

// enlist has the right server work at i if there is work with it. displaced
// says that it was subscribed and is not, against our will.
func (a *Adapter) enlist(i *interest, displaced bool) {
	if i.queued {
		return
	}
	if !a.due(i) {
		a.finish(i)
		return
	}
	if i.round == nil {
		i.round = a.rounds[len(a.rounds)-1]
		i.round.left++
	}
	s := i.at // must give it up before another one gets it
	if s == nil {
		s = a.owner(i)
	}
	if displaced {
		s.ready, a.gap = false, true
	}
	i.queued = true
	s.list = append(s.list, i)
	s.rouse()
}

func (a *Adapter) finish(i *interest) {
	if !i.wanted && i.at == nil {
		delete(a.interests, i.subject)
	}
	r := i.round
	if r == nil {
		return
	}
	i.round = nil
	r.left--
	for len(a.rounds) > 0 && a.rounds[0].left == 0 {
		close(a.rounds[0].done)
		a.rounds = a.rounds[1:]
	}
	if len(a.rounds) == 0 {
		a.rounds = append(a.rounds, &round{done: make(chan struct{})})
	}
}

// change is that a subscription begins or ends.
type change struct {
	*interest
	begins  bool
	refused bool // by the server, since another one has the subject
}

// takeChanges returns what s has to do. All of it must be done.
func (a *Adapter) takeChanges(s *server) []change {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rounds[len(a.rounds)-1].left > 0 {
		a.rounds = append(a.rounds, &round{done: make(chan struct{})})
	}
	var batch []change
	list := s.list
	s.list = nil
	for n, i := range list {
		if len(batch) == batchSubjects {
			s.list = list[n:]
			break
		}
		i.queued = false
		at := i.at
		if at == nil {
			at = a.owner(i)
		}
		if at != s || !a.due(i) { // it changed since
			a.enlist(i, at != s)
			continue
		}
		i.queued = true
		batch = append(batch, change{interest: i, begins: i.at == nil})
	}
	return batch
}

// doneChanges looks at what became of what was taken.
func (a *Adapter) doneChanges(s *server, batch []change) {
	a.update(func() {
		for _, c := range batch {
			i := c.interest
			i.queued = false
			switch {
			case c.refused && c.begins: // until we know who has it
				i.queued = true
				a.nowhere.list = append(a.nowhere.list, i)
				a.gap = true
				continue
			case c.refused && i.at == s:
				i.at = nil
			}
			a.enlist(i, a.due(i) && i.at == nil && a.owner(i) != s)
		}
	})
}

// confirmed is told by a server's connection that it has a subscription, or no
// longer has it. Clusters end subscriptions when a slot moves.
func (a *Adapter) confirmed(s *server, subject string, has bool) {
	a.update(func() {
		i := a.interests[subject]
		switch {
		case i == nil:
		case has:
			i.at = s
		case i.at == s:
			i.at = nil
			if !i.queued {
				a.enlist(i, true)
				a.lookAgain()
			}
		}
	})
}

// release takes from s what it had and was to do, since its connection ended.
func (a *Adapter) release(s *server) {
	for _, i := range a.interests {
		if i.at == s {
			i.at = nil
			a.enlist(i, true)
		}
	}
	a.relist(s, true)
}

// relist finds the right server for what stands in the list of s.
func (a *Adapter) relist(s *server, displaced bool) {
	list := s.list
	s.list = nil
	for _, i := range list {
		i.queued = false
		a.enlist(i, displaced)
	}
}

// Interest implements [pubsub.Adapter].
func (a *Adapter) Interest(subject string, wanted bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state != pubsub.StateClosed {
		a.want(subject, wanted)
	}
}

// Settle implements [pubsub.Adapter].
func (a *Adapter) Settle(ctx context.Context) error {
	a.mu.Lock()
	state, failed, away := a.state, a.failed, a.away
	last := len(a.rounds) - 1
	if a.rounds[last].left == 0 {
		last--
	}
	var r *round
	if last >= 0 {
		r = a.rounds[last]
	}
	a.mu.Unlock()
	switch {
	case state == pubsub.StateClosed:
		return errClosed
	case failed:
		return fmt.Errorf("redis: %w", pubsub.ErrUnavailable)
	case r == nil:
		return nil
	}
	select {
	case <-r.done:
		return nil
	case <-away:
		return fmt.Errorf("redis: %w", pubsub.ErrUnavailable)
	case <-ctx.Done():
		return fmt.Errorf("redis: subscriptions are not confirmed: %w", context.Cause(ctx))
	}
}

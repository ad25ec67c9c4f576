package redis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/redis/rueidis"
	"github.com/roost-dev/roost/pubsub"
)

const (
	lookEvery = 6 * time.Second       // while all is well, half as much more or less by chance
	lookPause = 50 * time.Millisecond // between two looks at least
)

// lookAgain has the watcher look now.
func (a *Adapter) lookAgain() {
	select {
	case a.look <- struct{}{}:
	default: // it will look anyway
	}
}

// watch finds out which servers there are and who has what, and goes on to
// look whether that has changed.
func (a *Adapter) watch() {
	for failures := 0; a.ctx.Err() == nil; {
		d, s, err := a.ask()
		if err == nil {
			a.use(d, s, failures > 0)
			failures = 0
		} else {
			failures++
		}
		a.update(func() {
			a.lookErr = err
			a.gap = a.gap || err != nil && len(a.servers) == 0
		})
		a.outbox.expire(a.nowhere)
		a.waitToLook(failures)
	}
}

// waitToLook waits until there may be something new to see.
func (a *Adapter) waitToLook(failures int) {
	looked := time.Now()
	a.mu.Lock()
	state, failed := a.state, a.failed
	a.mu.Unlock()
	wait := lookPause + lookEvery/2 + rand.N(lookEvery)
	switch {
	case failed:
		sleep(a.ctx, backoff(failures))
		return
	case state != pubsub.StateUp:
		wait = backoff(failures)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-a.look:
		sleep(a.ctx, lookPause-time.Since(looked))
	case <-timer.C:
	case <-a.ctx.Done():
	}
}

// ask has some server tell what there is, and returns where it was reached.
// Servers that should answer and do not are cut off.
func (a *Adapter) ask() (*description, string, error) {
	there, others := a.known()
	var errs []error
	for _, s := range there {
		d, err := describe(a.ctx, s.client, s.address)
		if err == nil {
			return d, s.address, nil
		}
		s.cut(err)
		errs = append(errs, fmt.Errorf("%s: %w", s.address, err))
	}
	for _, address := range others {
		d, err := a.askNew(address)
		if err == nil && !d.cluster && len(a.addresses) > 1 {
			err = errors.New("the URL names several servers, and this one is of no cluster")
		}
		if err == nil {
			return d, address, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", address, err))
	}
	return nil, "", errors.Join(errs...)
}

// peer is a server that is connected.
type peer struct {
	address string
	client  rueidis.Client
	cut     func(error)
}

// known returns the servers that are connected, and the addresses to try else.
func (a *Adapter) known() (there []peer, others []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	tried := make(map[string]bool)
	for s := range a.servers {
		if s.client != nil {
			there = append(there, peer{s.address, s.client, s.cut})
			tried[s.address] = true
		}
	}
	addresses := slices.Clone(a.addresses)
	for s := range a.servers {
		addresses = append(addresses, s.address)
	}
	for _, address := range addresses {
		if !tried[address] {
			tried[address] = true
			others = append(others, address)
		}
	}
	return there, others
}

func (a *Adapter) askNew(address string) (*description, error) {
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	client, err := a.connect(ctx, address, forBatches)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return describe(ctx, client, address)
}

// use makes servers and slots what they are by a description. late says that
// it could not be had at once.
func (a *Adapter) use(d *description, address string, late bool) {
	owners := d.owners
	if !d.cluster {
		owners = []string{address}
	}
	var next *layout
	first := false
	a.update(func() {
		a.product = d.product
		first = len(a.servers) == 0
		if next = a.nextLayout(d.cluster, owners); next == nil {
			return
		}
		late = late || !first
		a.layout = next
		for s := range a.servers {
			if !next.servers[s] {
				s.stop()
			}
		}
		for _, i := range a.interests {
			a.enlist(i, true)
		}
	})
	if next != nil {
		a.outbox.apply(next, late)
	}
	a.update(func() { a.relist(a.nowhere, !first) })
}

// nextLayout makes the layout of owners by slot, with new servers where there
// are new addresses; nil if it is the one that is.
func (a *Adapter) nextLayout(cluster bool, owners []string) *layout {
	servers := map[string]*server{"": a.nowhere}
	for s := range a.servers {
		if s.ctx.Err() == nil && s.cluster == cluster {
			servers[s.address] = s
		}
	}
	found := make([]*server, len(owners))
	same := a.layout.cluster == cluster
	for slot, address := range owners {
		s := servers[address]
		if s == nil {
			s = a.newServer(address, cluster)
			servers[address] = s
			a.servers[s] = true
			a.tasks.Go(s.run)
		}
		found[slot] = s
		same = same && s == a.layout.owners[slot]
	}
	if same {
		return nil
	}
	return newLayout(cluster, found)
}

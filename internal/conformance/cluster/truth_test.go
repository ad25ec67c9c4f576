//go:build linux

package cluster

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
)

// truth is who is present: by topic and user the statuses of the devices that hold a channel, in order.
func (c *crowd) truth() map[string]map[string][]string {
	all := make(map[string]map[string][]string)
	for _, topic := range c.topics() {
		all[topic] = make(map[string][]string)
	}
	for _, d := range c.devices() {
		for topic, st := range d.rooms {
			all[topic][d.user] = append(all[topic][d.user], st.status)
			slices.Sort(all[topic][d.user])
		}
	}
	return all
}

func (c *crowd) devices() (all []*device) {
	for _, s := range c.streets {
		all = append(all, s.devices...)
	}
	return all
}

// lost names devices whose sockets the servers have ended.
func (c *crowd) lost() string {
	for _, d := range c.devices() {
		if err := d.socket.ended(); err != nil {
			return fmt.Sprintf("the socket of %s has ended: %v", d.user, err)
		}
	}
	return ""
}

// rosters calls f with what each device holds of each of its rooms, until f returns something.
func (c *crowd) rosters(f func(who string, r *roster) string) string {
	for _, s := range c.streets {
		for _, d := range s.devices {
			for topic, st := range d.rooms {
				if found := f(fmt.Sprintf("%s at %s in %s", d.user, s.node.name, topic), st.roster); found != "" {
					return found
				}
			}
		}
	}
	return ""
}

// heal returns how long after since it took until each of the nodes lists those who are present, to whoever joins anew, and the
// devices that applied the differences hold the same lists. It is too long after bound.
func (c *crowd) heal(since time.Time, bound time.Duration, nodes []*node) time.Duration {
	c.t.Helper()
	if problem := c.lost(); problem != "" {
		c.t.Error(problem)
	}
	took := eventually(c.t, since, bound, func() string { return c.wrong(nodes) })
	c.crossCheck(nodes)
	return took
}

// wrong names a node that lists others than those who are there, or a device that holds another list.
func (c *crowd) wrong(nodes []*node) string {
	truth := c.truth()
	for _, nd := range nodes {
		lists, err := c.observe(nd)
		if err != nil {
			return err.Error()
		}
		if diff := cmp.Diff(truth, lists); diff != "" {
			return fmt.Sprintf("%s lists others than those who are there (-there +listed):\n%s", nd.name, diff)
		}
	}
	return c.misled(truth)
}

// misled names a device that holds another list than the truth.
func (c *crowd) misled(truth map[string]map[string][]string) string {
	for _, s := range c.streets {
		for _, d := range s.devices {
			for topic, st := range d.rooms {
				if diff := cmp.Diff(truth[topic], st.roster.statuses()); diff != "" {
					return fmt.Sprintf("%s at %s holds another list of %s than who is there (-there +held):\n%s", d.user, s.node.name, topic, diff)
				}
				if v := st.roster.view(); v.err != nil {
					return v.err.Error()
				}
			}
		}
	}
	return ""
}

// observe joins all rooms at a node and returns the presence_state of each.
func (c *crowd) observe(nd *node) (map[string]map[string][]string, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	s, err := connect(ctx, nd, observerPrefix+nd.name)
	if err != nil {
		return nil, err
	}
	defer s.leave()
	type state struct {
		topic   string
		payload []byte
	}
	states := make(chan state, roomCount)
	for _, topic := range c.topics() {
		_, err := s.join(ctx, topic, func(event string, payload []byte) {
			if event == "presence_state" {
				states <- state{topic, slices.Clone(payload)}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	lists := make(map[string]map[string][]string)
	for range c.topics() {
		select {
		case st := <-states:
			r := newRoster()
			r.handle("presence_state", st.payload)
			lists[st.topic] = r.statuses()
		case <-s.done:
			return nil, s.ended()
		case <-ctx.Done():
			return nil, fmt.Errorf("no presence_state from %s: %w", nd.name, ctx.Err())
		}
	}
	return lists, nil
}

// crossCheck sees to it that the nodes hold what the devices do, and that the devices see nothing of observers that have left.
func (c *crowd) crossCheck(nodes []*node) {
	c.t.Helper()
	eventually(c.t, time.Now(), patience, func() string {
		for _, s := range c.streets {
			if !slices.Contains(nodes, s.node) {
				continue
			}
			has, err := s.node.info()
			if err != nil {
				return err.Error()
			}
			rooms := 0
			for _, d := range s.devices {
				rooms += len(d.rooms)
			}
			if has.Sockets != len(s.devices) || has.Channels != rooms {
				return fmt.Sprintf("%s holds %d sockets with %d channels, its devices hold %d with %d", s.node.name, has.Sockets, has.Channels, len(s.devices), rooms)
			}
		}
		return c.rosters(func(who string, r *roster) string {
			r.mu.Lock()
			defer r.mu.Unlock()
			for user := range r.list {
				if isObserver(user) {
					return who + " still sees " + user
				}
			}
			return ""
		})
	})
}

// A before is what all devices held at a moment.
type before map[*roster]view

// quietTime is how long nothing must happen until all is quiet.
const quietTime = 250 * time.Millisecond

// rest waits until nothing has been told to any device for a while, and returns what they hold then.
func (c *crowd) rest() before {
	c.t.Helper()
	changes := func() (n int) {
		c.rosters(func(_ string, r *roster) string {
			v := r.view()
			n += v.came + v.left
			return ""
		})
		return n
	}
	last, since := changes(), time.Now()
	eventually(c.t, time.Now(), patience, func() string {
		if now := changes(); now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) < quietTime {
			return "the devices are still told of changes"
		}
		return ""
	})
	b := before{}
	c.rosters(func(_ string, r *roster) string {
		b[r] = r.view()
		return ""
	})
	return b
}

// once sees to it that the devices that were there before were told of nobody twice since: nobody came again who was there
// already, and whoever came did so once. A fault may have gone on so long that a session went for a while: it may then come back,
// once.
func (c *crowd) once(b before, mayGo bool) {
	c.t.Helper()
	problem := c.rosters(func(who string, r *roster) string {
		old, ok := b[r]
		if !ok {
			return ""
		}
		known := old.refs
		if mayGo {
			known = make(map[string]bool)
		}
		for _, session := range r.cameSince(old) {
			if known[session] {
				return fmt.Sprintf("%s was told again that %s came", who, session)
			}
			known[session] = true
		}
		return ""
	})
	if problem != "" {
		c.t.Error(problem)
	}
}

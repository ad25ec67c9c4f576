//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A crowd is the users of a cluster: devices that come, join rooms, change their status, leave, and lose their connections, at
// random. What the devices hold open is the truth about who is present.
type crowd struct {
	t       testing.TB
	nodes   []*node
	streets []*street // by node
}

const (
	roomCount   = 4
	sharedUsers = 6 // who come with several devices, to several nodes
	mostDevices = 8 // at a node
)

// A street is the devices at one node. One goroutine at a time drives it.
type street struct {
	crowd   *crowd
	node    *node
	rng     *rand.Rand
	devices []*device
	steps   int
}

type device struct {
	user   string
	socket *socket
	rooms  map[string]*seat // by topic
}

// A seat is a device's presence in a room.
type seat struct {
	channel *channel
	roster  *roster
	status  string // what the device has said last
}

func newCrowd(t testing.TB, seed uint64, nodes []*node) *crowd {
	c := &crowd{t: t, nodes: nodes}
	t.Logf("seed %d", seed)
	for i, nd := range nodes {
		c.streets = append(c.streets, &street{crowd: c, node: nd, rng: rand.New(rand.NewPCG(seed, uint64(i)))})
	}
	t.Cleanup(func() {
		for _, s := range c.streets {
			s.clear()
		}
	})
	return c
}

func (c *crowd) topics() []string {
	var topics []string
	for i := range roomCount {
		topics = append(topics, fmt.Sprintf("room:%d", i))
	}
	return topics
}

// settle seats at each node somebody who stays in all rooms, so that each node wants all of them, and some who need not.
func (c *crowd) settle() {
	c.t.Helper()
	for _, s := range c.streets {
		if err := s.furnish(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
	}
}

// furnish seats the resident of a street, its first device.
func (s *street) furnish(ctx context.Context) error {
	s.devices = nil
	d, err := s.arrive(ctx, "resident-"+s.node.name)
	if err != nil {
		return err
	}
	for _, topic := range s.crowd.topics() {
		if err := d.enter(ctx, topic); err != nil {
			return err
		}
	}
	return nil
}

// drive has the devices of some nodes act until stop is called, which waits for them and fails the test if any could not.
func (c *crowd) drive(nodes ...*node) (stop func()) {
	const pace = 4 * time.Millisecond
	var driving sync.WaitGroup
	stopped := make(chan struct{})
	errs := make([]error, len(c.streets))
	began := time.Now()
	before := c.steps()
	for i, s := range c.streets {
		if !slices.Contains(nodes, s.node) {
			continue
		}
		driving.Go(func() {
			ticker := time.NewTicker(pace)
			defer ticker.Stop()
			for errs[i] == nil {
				select {
				case <-ticker.C:
					errs[i] = s.step(c.t.Context())
				case <-stopped:
					return
				}
			}
		})
	}
	return func() {
		c.t.Helper()
		close(stopped)
		driving.Wait()
		c.t.Logf("%d joins, leaves, updates and losses of connections in %v", c.steps()-before, time.Since(began).Round(time.Millisecond))
		if err := errors.Join(errs...); err != nil {
			c.t.Fatalf("a client could not do what it wanted: %v", err)
		}
	}
}

func (c *crowd) steps() (n int) {
	for _, s := range c.streets {
		n += s.steps
	}
	return n
}

// step has one device do one thing, and returns when the server has said that it is done.
func (s *street) step(ctx context.Context) error {
	s.steps++
	topics := s.crowd.topics()
	topic := topics[s.rng.IntN(len(topics))]
	at := 1 + s.rng.IntN(mostDevices) // the resident stays
	if at >= len(s.devices) {
		user := fmt.Sprintf("user-%d", s.rng.IntN(sharedUsers))
		if s.rng.IntN(2) == 0 {
			user = fmt.Sprintf("single-%s-%d", s.node.name, s.steps)
		}
		d, err := s.arrive(ctx, user)
		if err != nil {
			return err
		}
		return d.enter(ctx, topic)
	}
	d := s.devices[at]
	here := d.rooms[topic]
	switch dice := s.rng.IntN(100); {
	case dice < 5:
		s.devices = slices.Delete(s.devices, at, at+1)
		d.socket.leave()
		return nil
	case here == nil:
		return d.enter(ctx, topic)
	case dice < 30:
		delete(d.rooms, topic)
		return here.channel.leave(ctx)
	default:
		return here.say(ctx, fmt.Sprintf("%s-%d", s.node.name, s.steps))
	}
}

// arrive opens another device.
func (s *street) arrive(ctx context.Context, user string) (*device, error) {
	socket, err := connect(ctx, s.node, user)
	if err != nil {
		return nil, err
	}
	d := &device{user: user, socket: socket, rooms: make(map[string]*seat)}
	s.devices = append(s.devices, d)
	return d, nil
}

// lose drops n devices of a street without a word, though never the resident.
func (s *street) lose(n int) {
	for range min(n, len(s.devices)-1) {
		last := len(s.devices) - 1
		s.devices[last].socket.leave()
		s.devices = s.devices[:last]
	}
}

// clear drops all devices, and returns them.
func (s *street) clear() []*device {
	all := s.devices
	s.devices = nil
	for _, d := range all {
		d.socket.leave()
	}
	return all
}

// enter joins a room.
func (d *device) enter(ctx context.Context, topic string) error {
	st := &seat{roster: newRoster()}
	var err error
	if st.channel, err = d.socket.join(ctx, topic, func(event string, payload []byte) { st.roster.handle(event, payload) }); err == nil {
		d.rooms[topic] = st
	}
	return err
}

func (st *seat) say(ctx context.Context, status string) error {
	_, err := st.channel.call(ctx, "status", fmt.Sprintf(`{"status":%q}`, status))
	if err == nil {
		st.status = status
	}
	return err
}

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

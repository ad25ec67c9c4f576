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

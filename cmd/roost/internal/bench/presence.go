//go:build linux

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strconv"
	"time"

	"github.com/roost-dev/roost/cmd/roost/internal/load"
	"github.com/roost-dev/roost/internal/ws"
)

// presence has many users enter one room at once, and waits until each knows them all.
type presence struct {
	users int
	topic string
}

// maxSeen bounds the payloads that are remembered, in bytes.
const maxSeen = 64 << 20

// A party is a presence under way. Nobody leaves and nobody updates, so each user has one phx_ref, the same for
// everybody: whoever knows a user knows the right one, and what a client knows is a set of users.
type party struct {
	fault
	users    int
	refs     []string // by user, as first seen
	guests   []guest  // by ID of a connection
	accepted int      // joins
	complete int      // guests that know all
	messages uint64
	bytes    uint64

	seed     maphash.Seed
	seen     map[uint64]*payload // by hash: servers send many clients the same
	seenSize int
}

// A guest is a client's view of who is here.
type guest struct {
	knows    []uint64 // a bit for each user
	known    int      // how many of them are set
	state    bool     // presence_state came
	complete bool
}

// A payload is a presence_state or presence_diff that was read.
type payload struct {
	text  []byte
	users []int // who it says is here
}

func (w *presence) run(ctx context.Context, r *rig) (figures, error) {
	if w.users < 1 {
		return nil, errors.New("-users is at least 1")
	}
	loop, err := r.loop(ctx)
	if err != nil {
		return nil, err
	}
	defer loop.Close()
	crowd, err := r.enter(ctx, loop, w.users, nil)
	if err != nil {
		return nil, err
	}
	p := newParty(w.users)
	loop.Handle(p)
	m, err := r.meter()
	if err != nil {
		return nil, err
	}
	// In a room of its own nobody is still leaving.
	topic := fmt.Sprintf("%s-%d", w.topic, time.Now().UnixNano())
	for id, c := range crowd.conns {
		frame, err := joinFrame(topic, `{"user":"`+userName(id)+`"}`)
		if err != nil {
			return nil, err
		}
		c.Send(frame)
	}
	if err := loop.Run(ctx, p.step(r)); err != nil {
		return nil, err
	}
	wall, cpu, err := m.since()
	out := figures{{"seconds_until_all_know_all", wall.Seconds()}}
	if m.proc.known() {
		out = append(out, figure{"cpu_seconds", cpu.Seconds()})
	}
	return append(out, figure{"messages", float64(p.messages)}, figure{"megabytes", float64(p.bytes) / 1e6}), err
}

func newParty(users int) *party {
	p := &party{
		users: users, refs: make([]string, users), guests: make([]guest, users), seed: maphash.MakeSeed(), seen: map[uint64]*payload{},
	}
	for id := range p.guests {
		p.guests[id].knows = make([]uint64, (users+63)/64)
	}
	return p
}

func (p *party) step(r *rig) func(time.Time) (time.Time, bool, error) {
	progressed, messages := time.Now(), uint64(0)
	return func(now time.Time) (time.Time, bool, error) {
		if p.messages > messages {
			progressed, messages = now, p.messages
			r.bar.at("entering", float64(p.complete), float64(p.users))
		}
		if now.Sub(progressed) > r.timeout {
			return now, false, fmt.Errorf("%w: %d of %d users know all, %d joined, and nothing came for %v",
				errTimeout, p.complete, p.users, p.accepted, r.timeout)
		}
		return time.Time{}, p.complete == p.users && p.accepted == p.users, p.err
	}
}

// Opened implements [load.Handler].
func (p *party) Opened(*load.Conn) {}

// Closed implements [load.Handler].
func (p *party) Closed(c *load.Conn, err error) { p.reportf("%s: %w", userName(c.ID), err) }

// Message implements [load.Handler].
func (p *party) Message(c *load.Conn, text []byte) {
	m, err := ws.Split(text)
	if err != nil {
		p.reportf("%s: %w", userName(c.ID), err)
		return
	}
	switch string(m.Event) {
	case `"presence_state"`, `"presence_diff"`:
		p.messages++
		p.bytes += uint64(len(text))
		diff := string(m.Event) == `"presence_diff"`
		users, err := p.read(m.Payload, diff)
		if err != nil {
			p.reportf("%s got a %s: %w", userName(c.ID), m.Event, err)
			return
		}
		p.apply(c, users, diff)
	case `"phx_reply"`:
		if string(m.Ref) == strconv.Quote(joinRef) {
			if !bytes.Contains(m.Payload, []byte(`"status":"ok"`)) {
				p.reportf("the join of %s was refused: %s", userName(c.ID), m.Payload)
			}
			p.accepted++
		}
	default:
		p.reportf("%s got %.200s", userName(c.ID), text)
	}
}

// apply adds users to what a client knows. One that lacks the state keeps diffs for later (spec/protocol.md §15), which
// comes to the same since nobody leaves; but it does not know all before it has the state.
func (p *party) apply(c *load.Conn, users []int, diff bool) {
	g := &p.guests[c.ID]
	g.state = g.state || !diff
	for _, u := range users {
		word, bit := u/64, uint64(1)<<(u%64)
		if g.knows[word]&bit == 0 {
			g.knows[word] |= bit
			g.known++
		}
	}
	if g.state && g.known == p.users && !g.complete {
		g.complete = true
		p.complete++
	}
}

// read returns the users that a payload says are here. Servers send the same to many clients, so it is read once.
func (p *party) read(text []byte, diff bool) ([]int, error) {
	hash := maphash.Bytes(p.seed, text)
	if known := p.seen[hash]; known != nil && bytes.Equal(known.text, text) {
		return known.users, nil
	}
	entry := &payload{text: bytes.Clone(text)}
	scan := scanState
	if diff {
		scan = scanDiff
	}
	err := scan(text, func(key, ref []byte) error {
		u, err := p.user(key, ref)
		entry.users = append(entry.users, u)
		return err
	})
	if p.seenSize += len(text); p.seenSize > maxSeen {
		clear(p.seen)
		p.seenSize = len(text)
	}
	p.seen[hash] = entry
	return entry.users, err
}

var errTwice = errors.New("a user has two phx_refs")

// user returns the number of the user with a key, who must always have the same phx_ref.
func (p *party) user(key, ref []byte) (int, error) {
	u, err := strconv.Atoi(string(bytes.TrimPrefix(key, []byte("u"))))
	if err != nil || u < 0 || u >= p.users || userName(u) != string(key) {
		return 0, fmt.Errorf("nobody is called %.50q; is the room empty, and the user the join param?", key)
	}
	switch p.refs[u] {
	case string(ref):
	case "":
		p.refs[u] = string(ref)
	default:
		return 0, fmt.Errorf("%w: %s has %s and %s", errTwice, key, p.refs[u], ref)
	}
	return u, nil
}

func userName(id int) string { return fmt.Sprintf("u%06d", id) }

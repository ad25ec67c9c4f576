package cluster

import (
	"cmp"
	"context"
	"encoding/json/v2"
	"math"
	"slices"
	"time"
)

// Member is a node.
type Member struct {
	ID      ID
	Name    string
	Since   time.Time // when this node first heard of it
	Leaving bool      // it is about to stop, or has
}

// member is another node as this one knows it.
type member struct {
	Member
	heard time.Time
	quiet time.Time     // since when its silence counts: when it was heard, or later if nobody could be
	grace time.Duration // after its end, if it is leaving
	gone  bool          // it said goodbye; its presences are kept for its grace

	// dropped is set when watchers were told, or never knew of it. It is
	// remembered for a lease all the same, since other subjects than that of
	// the goodbye may still hold a heartbeat.
	dropped bool
}

// Event is a change among the members. Watchers get them in order.
type Event struct {
	Kind   EventKind
	Member Member // of all but Recovered
}

// EventKind says what happened.
type EventKind uint8

// What may happen among the members.
const (
	Up        EventKind = iota // a member is there, or there again; it may be leaving
	Leaving                    // a member is about to stop, or has: what is known of it is kept for its grace
	Down                       // a member is gone: nothing of it is to be kept
	Recovered                  // the engine was away, messages may be lost
)

type watcher struct {
	notify func(Event)
	events []Event // guarded by the cluster's mu
}

// Watch has f told of all members that are there and of each change, until
// stop is called, one at a time, on a goroutine of the cluster. f must not
// block. A call of it that is about to be made while stop runs is still made;
// stop does not wait for it.
func (c *Cluster) Watch(f func(Event)) (stop func()) {
	w := &watcher{notify: f}
	c.mu.Lock()
	for _, m := range c.members {
		if !m.dropped {
			w.events = append(w.events, Event{Up, m.Member})
		}
	}
	c.watchers = append(slices.Clone(c.watchers), w)
	c.mu.Unlock()
	c.rouse()
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.watchers = slices.DeleteFunc(slices.Clone(c.watchers), func(other *watcher) bool { return other == w })
		w.events = nil
	}
}

// Members returns the other nodes that are there, by name.
func (c *Cluster) Members() []Member {
	c.mu.Lock()
	members := make([]Member, 0, len(c.members))
	for _, m := range c.members {
		if !m.gone {
			members = append(members, m.Member)
		}
	}
	c.mu.Unlock()
	slices.SortFunc(members, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return members
}

// Conflicts returns the names that several living nodes bear, this one
// included. Each of them works; people should give them other names.
func (c *Cluster) Conflicts() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	bearers := map[string][]*member{c.self.Name: {{Member: c.self, heard: time.Now()}}}
	for _, m := range c.members {
		if !m.gone {
			bearers[m.Name] = append(bearers[m.Name], m)
		}
	}
	var names []string
	for name, ms := range bearers {
		youngest := slices.MaxFunc(ms, func(a, b *member) int { return a.Since.Compare(b.Since) })
		// A node that was restarted bears the name of its dead predecessor
		// for a lease. Two live if the older one is heard behind the younger.
		if slices.ContainsFunc(ms, func(m *member) bool {
			return m != youngest && m.heard.After(youngest.Since.Add(c.lease/2))
		}) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// alive reports whether calls can reach a node.
func (c *Cluster) alive(id ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.members[id]
	return m != nil && !m.gone
}

// introduction is what a heartbeat says of its sender.
type introduction struct {
	Name  string `json:"name"`
	Grace int64  `json:"grace_ms,omitzero"` // -1: at once
}

func (c *Cluster) heartbeat() []byte { return c.introduce(opHeartbeat) }

// introduce makes a frame that says who this node is, and how it leaves.
func (c *Cluster) introduce(op op) []byte {
	i := introduction{Name: c.self.Name}
	c.mu.Lock()
	switch {
	case c.leaving == 0:
		i.Grace = -1
	case c.leaving > 0:
		i.Grace = max(1, c.leaving.Milliseconds())
	}
	c.mu.Unlock()
	return i.frame(op, c.self.ID)
}

func (i introduction) frame(op op, from ID) []byte {
	body, err := json.Marshal(i)
	if err != nil {
		panic(err) // a valid string and a number
	}
	return frame{op: op, from: from, body: body}.encode()
}

// heard takes a heartbeat.
func (c *Cluster) heard(f frame) {
	var i introduction
	if err := json.Unmarshal(f.body, &i); err != nil {
		c.logger.Warn("cluster: heartbeat not understood", "node", f.from, "error", err)
		return
	}
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || f.from == c.self.ID {
		return
	}
	m := c.members[f.from]
	isNew := m == nil
	if isNew {
		m = &member{ID: f.from, Name: i.Name, Since: now}
		c.members[f.from] = m
	}
	if m.gone {
		return // overtaken by the goodbye
	}
	m.heard, m.quiet = now, now
	news := m.leave(i)
	switch {
	case isNew:
		c.emit(Event{Up, m.Member})
		c.greet = append(c.greet, f.from)
		close(c.arrivals)
		c.arrivals = make(chan struct{})
	case news:
		c.emit(Event{Leaving, m.Member})
	}
}

// leave takes what a node says of its end, and reports whether that is news.
func (m *member) leave(i introduction) (news bool) {
	if i.Grace == 0 {
		return false
	}
	news = !m.Leaving
	m.Leaving, m.grace = true, time.Duration(max(0, i.Grace))*time.Millisecond
	return news
}

// spoke notes a sign of life other than a heartbeat: one of these may come
// later, where the engine was away in between. The caller holds mu.
func (c *Cluster) spoke(id ID) {
	if m := c.members[id]; m != nil && !m.gone {
		m.heard = time.Now()
		m.quiet = m.heard
	}
}

// goodbye takes a planned end: from the node itself, or from others if it was
// over when this node came.
func (c *Cluster) goodbye(f frame) {
	var i introduction
	if err := json.Unmarshal(f.body, &i); err != nil {
		c.logger.Warn("cluster: goodbye not understood", "node", f.from, "error", err)
		return
	}
	now := time.Now()
	c.mu.Lock()
	m := c.members[f.from]
	isNew := m == nil
	if isNew {
		// If it has overtaken the first heartbeat there is nothing to be kept.
		m = &member{ID: f.from, Name: i.Name, Since: now, dropped: i.Grace <= 0}
		c.members[f.from] = m
	}
	if !m.gone && f.from != c.self.ID {
		m.gone, m.heard, m.quiet = true, now, now
		news := m.leave(i)
		m.Leaving = true
		switch {
		case m.grace == 0:
			c.drop(m)
		case isNew:
			c.emit(Event{Up, m.Member})
		case news:
			c.emit(Event{Leaving, m.Member})
		}
	}
	c.mu.Unlock()
	c.calls.lose(f.from)
}

// obituaries returns the goodbyes of those who are gone and whose grace lasts,
// with what is left of it, for those who came too late to hear them. The caller
// holds mu.
func (c *Cluster) obituaries(now time.Time) (goodbyes [][]byte) {
	for id, m := range c.members {
		left := (m.grace - now.Sub(m.quiet)).Milliseconds()
		if m.gone && !m.dropped && left > 0 {
			goodbyes = append(goodbyes, introduction{m.Name, left}.frame(opGoodbye, id))
		}
	}
	return goodbyes
}

// drop ends a membership. The caller holds mu.
func (c *Cluster) drop(m *member) {
	if !m.dropped {
		m.dropped = true
		c.emit(Event{Down, m.Member})
	}
}

// emit queues an event for all watchers. The caller holds mu.
func (c *Cluster) emit(e Event) {
	for _, w := range c.watchers {
		w.events = append(w.events, e)
	}
	c.rouse()
}

// loop says that this node lives, and sees who does not.
func (c *Cluster) loop() {
	ticker := time.NewTicker(c.lease / 4 / looks)
	defer ticker.Stop()
	c.settle()
	c.say(everybody, c.heartbeat())
	last := time.Now()
	for ticks := 0; ; {
		select {
		case <-c.ctx.Done():
			return
		case <-c.wake:
		case <-ticker.C:
			now := time.Now() // the tick may have waited
			if now.Sub(last) > c.lease/2 {
				c.excuse(now)
			}
			last = now
			if ticks++; ticks%looks == 0 || now.Sub(c.self.Since) < c.lease {
				c.say(everybody, c.heartbeat()) // a young node more often: it does not know when others can hear it
			}
			c.expire(now)
		}
		c.greetNew()
		c.notify()
	}
}

// looks is how often between two heartbeats the silence of others is looked
// at: an end is noticed that much sooner.
const looks = 4

// excuse takes nobody's silence for death: this process was not running, and
// what others said may wait unread.
func (c *Cluster) excuse(now time.Time) {
	c.mu.Lock()
	c.forgive(now, math.MaxInt64)
	c.mu.Unlock()
	c.logger.Warn("cluster: this process did not run for a while", "node", c.self.Name)
}

// forgive has the silence of members begin that much later, but not after now,
// since they may not be to blame. Each is forgiven once for a silence: a dead
// one must not live for as long as others come and go. The caller holds mu.
func (c *Cluster) forgive(now time.Time, some time.Duration) {
	for _, m := range c.members {
		if m.gone || !m.quiet.Equal(m.heard) {
			continue
		}
		if m.quiet = m.heard.Add(some); m.quiet.After(now) {
			m.quiet = now
		}
	}
}

// expire drops members that were silent for a lease, or gone for their grace.
func (c *Cluster) expire(now time.Time) {
	var lost []ID
	c.mu.Lock()
	for id, m := range c.members {
		silence := now.Sub(m.quiet)
		switch {
		case m.gone:
			if silence >= m.grace {
				c.drop(m)
			}
			if silence >= max(m.grace, c.lease) {
				delete(c.members, id)
			}
		case silence > c.lease+m.grace:
			c.logger.Warn("cluster: a node is silent and taken for dead", "node", m.Name, "id", id)
			c.drop(m)
			delete(c.members, id)
			lost = append(lost, id)
		}
	}
	c.mu.Unlock()
	for _, id := range lost {
		c.calls.lose(id)
	}
}

// greetNew introduces this node to those it has just heard of, and tells them
// first who has left: whoever knows this node knows whom it still counts.
func (c *Cluster) greetNew() {
	c.mu.Lock()
	greet := c.greet
	c.greet = nil
	var goodbyes [][]byte
	if len(greet) > 0 {
		goodbyes = c.obituaries(time.Now())
	}
	c.mu.Unlock()
	for _, id := range greet {
		if id == "" {
			c.say(everybody, c.heartbeat())
			continue
		}
		for _, goodbye := range goodbyes {
			c.say(nodeSubject(id), goodbye)
		}
		c.say(nodeSubject(id), c.heartbeat())
	}
}

// settle waits, not for long, until others can answer the first heartbeat. If
// the engine is away they will hear a later one.
func (c *Cluster) settle() {
	ctx, cancel := context.WithTimeout(c.ctx, c.lease/4)
	defer cancel()
	if err := c.bus.Settle(ctx); err != nil {
		c.logger.Debug("cluster: others may not be heard yet", "error", err)
	}
}

func (c *Cluster) say(subject string, payload []byte) {
	ctx, cancel := context.WithTimeout(c.ctx, c.lease/4)
	defer cancel()
	if err := c.bus.Publish(ctx, subject, payload); err != nil {
		c.logger.Debug("cluster: heartbeat not sent", "error", err)
	}
}

// notify tells the watchers what they do not know yet.
func (c *Cluster) notify() {
	for {
		c.mu.Lock()
		var next *watcher
		var e Event
		for _, w := range c.watchers {
			if len(w.events) > 0 {
				next, e = w, w.events[0]
				w.events = w.events[1:]
				break
			}
		}
		c.mu.Unlock()
		if next == nil {
			return
		}
		next.notify(e)
	}
}

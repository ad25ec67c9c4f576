package redis

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// logNode is a node with a log, and the kept events that it was brought.
type logNode struct {
	*node
	pubsub.EngineLog

	mu   sync.Mutex // guards kept
	kept map[string][]*pubsub.Envelope
}

// Receive implements [pubsub.Receiver].
func (n *logNode) Receive(e *pubsub.Envelope) {
	n.mu.Lock()
	if e.Kind == pubsub.KindKept {
		n.kept[e.Topic] = append(n.kept[e.Topic], e)
	}
	n.mu.Unlock()
	n.node.Receive(e)
}

func (n *logNode) brought(topic string) []*pubsub.Envelope {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]*pubsub.Envelope(nil), n.kept[topic]...)
}

// newRules makes rules that must be right.
func newRules(t testing.TB, keeps ...history.Keep) *history.Rules {
	t.Helper()
	rules, err := history.NewRules(keeps)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// all is a rule under which nothing goes while a test runs.
var all = history.Keep{Topics: []string{"*"}, Count: 1_000_000, For: time.Hour, Bytes: 64 << 20}

// newLog makes a node with a log that is not started.
func newLog(t testing.TB, url string, opts *Options, keeps ...history.Keep) *logNode {
	t.Helper()
	a, err := New(url, opts)
	if err != nil {
		t.Fatal(err)
	}
	log, err := a.OpenLog(newRules(t, keeps...))
	if err != nil {
		t.Fatal(err)
	}
	n := &logNode{
		node:      &node{Adapter: a, t: t, got: make(map[string][]string)},
		EngineLog: log, kept: make(map[string][]*pubsub.Envelope),
	}
	t.Cleanup(n.shut)
	return n
}

// startLog starts a node with a log, and waits until it is connected.
func startLog(t testing.TB, url string, opts *Options, keeps ...history.Keep) *logNode {
	t.Helper()
	n := newLog(t, url, opts, keeps...)
	if err := n.Start(n); err != nil {
		t.Fatal(err)
	}
	n.awaitState(pubsub.StateUp)
	return n
}

// rounds is how often a test does something: often in the long form only.
func rounds(few, many int) int {
	if os.Getenv("ROOST_SOAK") != "" {
		return many
	}
	return few
}

func (n *logNode) tryAppend(topic, event string) (history.Entry, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return n.Append(ctx, topic, history.Event{Name: event, Payload: []byte(`{}`)})
}

func (n *logNode) append(topic, event string) history.Entry {
	n.t.Helper()
	entry, err := n.tryAppend(topic, event)
	if err != nil {
		n.t.Fatalf("Append: %v", err)
	}
	return entry
}

func (n *logNode) last(topic string) history.Position {
	n.t.Helper()
	last, err := n.Last(n.t.Context(), topic)
	if err != nil {
		n.t.Fatalf("Last: %v", err)
	}
	return last
}

// readAll returns all that is behind a position.
func (n *logNode) readAll(topic string, after history.Position) ([]history.Entry, error) {
	var entries []history.Entry
	for {
		page, err := n.Read(n.t.Context(), topic, after, 100)
		if err != nil {
			return nil, err
		}
		entries = append(entries, page.Entries...)
		if len(page.Entries) == 0 {
			return entries, nil
		}
		after = entries[len(entries)-1].Position
	}
}

// checkNewLife fails unless the log of a topic is another than that of an
// entry, and works.
func (n *logNode) checkNewLife(topic string, old history.Entry) {
	n.t.Helper()
	if last := n.last(topic); last.Epoch == old.Position.Epoch || last.Seq != 0 {
		n.t.Errorf("the last position is %v, that of an event before was %v", last, old.Position)
	}
	if _, err := n.readAll(topic, old.Position); !errors.Is(err, history.ErrGone) {
		n.t.Errorf("Read behind an event of an epoch before: error %v, want ErrGone", err)
	}
	entry := n.append(topic, "after")
	if entry.Position.Epoch == old.Position.Epoch || entry.Previous != 0 {
		n.t.Errorf("an event is at %v behind %d, one before was at %v", entry.Position, entry.Previous, old.Position)
	}
	if entries, err := n.readAll(topic, history.Position{}); err != nil || len(entries) != 1 || entries[0].Name != "after" {
		n.t.Errorf("the new log has %d events, error %v", len(entries), err)
	}
}

// appender appends numbers to a topic until it is stopped, and remembers what
// became of them.
type appender struct {
	known     []history.Entry // Append gave no error
	uncertain map[string]bool
	stop      func()
}

func startAppender(n *logNode, topic, name string) *appender {
	a := &appender{uncertain: make(map[string]bool)}
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-ended:
				return
			default:
			}
			event := name + " " + strconv.Itoa(i)
			entry, err := n.tryAppend(topic, event)
			switch {
			case err == nil:
				a.known = append(a.known, entry)
			case errors.Is(err, history.ErrUncertain):
				a.uncertain[event] = true
			case !errors.Is(err, pubsub.ErrUnavailable):
				n.t.Errorf("Append: %v", err)
			}
			if err != nil {
				time.Sleep(time.Millisecond) // the engine is away: this is not to keep a core busy
			}
		}
	})
	a.stop = sync.OnceFunc(func() {
		close(ended)
		wg.Wait()
	})
	n.t.Cleanup(a.stop)
	return a
}

// checkAppended checks what a topic's log has in the end against what was
// appended to it. Of its last epoch it has all that was known to be appended,
// where it was said to be, and nothing twice; no position ever stood for two
// events.
func checkAppended(t *testing.T, n *logNode, topic string, appenders ...*appender) {
	t.Helper()
	entries, err := n.readAll(topic, history.Position{})
	if err != nil {
		t.Fatal(err)
	}
	epoch := n.last(topic).Epoch
	at, seen := make(map[history.Position]string), make(map[string]bool)
	for i, e := range entries {
		if seen[e.Name] || e.Position != (history.Position{Epoch: epoch, Seq: uint64(i + 1)}) {
			t.Errorf("entry %d is %q at %v, there before: %v", i, e.Name, e.Position, seen[e.Name])
		}
		at[e.Position], seen[e.Name] = e.Name, true
	}
	epochs := make(map[string]bool)
	for _, a := range appenders {
		for _, e := range a.known {
			epochs[e.Position.Epoch] = true
			if e.Position.Epoch == epoch && at[e.Position] == "" {
				t.Errorf("%q was appended at %v and is not there", e.Name, e.Position)
			}
			if other, ok := at[e.Position]; ok && other != e.Name {
				t.Errorf("%v is the position of %q and of %q", e.Position, e.Name, other)
			}
			at[e.Position] = e.Name
		}
	}
	uncertain := 0
	for _, a := range appenders {
		uncertain += len(a.uncertain)
	}
	t.Logf("%d events in the last of %d epochs; %d appends were uncertain", len(entries), len(epochs), uncertain)
}

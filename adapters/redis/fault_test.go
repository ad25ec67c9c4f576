package redis

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

var theRedis = program{"redis-server", true}

func TestServerThatStandsStillIsAwayAndBackAgain(t *testing.T) {
	t.Parallel()
	e := startEngine(t, theRedis)
	from, to := pair(t, e.url(), nil)
	to.settle("t:room")
	e.signal(syscall.SIGSTOP)
	stopped := time.Now()
	for _, n := range []*node{from, to} {
		n.awaitState(pubsub.StateDegraded)
	}
	if noticed := time.Since(stopped); noticed > 3500*time.Millisecond { // 3 s, and what a busy machine adds
		t.Errorf("a dead connection was noticed after %v", noticed)
	}
	if err := to.Settle(t.Context()); !errors.Is(err, pubsub.ErrUnavailable) {
		t.Errorf("Settle while the server stands still: %v", err)
	}
	if err := from.say("t:room", "while away"); err != nil {
		t.Errorf("Publish while the server stands still: %v", err)
	}
	if h := from.Health(); h.Pending != 1 || h.Detail == "" {
		t.Errorf("while the server stands still health is %+v", h)
	}
	e.signal(syscall.SIGCONT)
	resumed := time.Now()
	eventually(t, "what waited arrives", func() bool { return len(to.heard("t:room")) == 1 })
	if took := time.Since(resumed); took > 5*time.Second {
		t.Errorf("recovery took %v", took)
	}
	if to.recovered.Load() != 1 || to.Health().Reconnects != 1 {
		t.Errorf("told %d times of a recovery, counted %d", to.recovered.Load(), to.Health().Reconnects)
	}
}

// All nodes lose the server and find it again at different times; what they
// said meanwhile reaches the others nevertheless.
func TestWhatWaitedReachesTheOthers(t *testing.T) {
	t.Parallel()
	e := startEngine(t, theRedis)
	var nodes [4]*node
	for i := range nodes {
		nodes[i] = startNode(t, e.url(), nil)
		nodes[i].settle("t:room")
		nodes[i].awaitState(pubsub.StateUp)
	}
	e.kill()
	const messages = 100
	var want []string
	for i, n := range nodes {
		n.awaitState(pubsub.StateDegraded)
		for k := range messages {
			text := fmt.Sprintf("%d %03d", i, k)
			want = append(want, text)
			if err := n.say("t:room", text); err != nil {
				t.Fatal(err)
			}
		}
		if h := n.Health(); h.Pending != messages || h.Lost != 0 {
			t.Errorf("with %d messages waiting, health is %+v", messages, h)
		}
	}
	e.start()
	for i, n := range nodes {
		eventually(t, "all that others said arrives", func() bool { return len(n.heard("t:room")) == (len(nodes)-1)*messages })
		heard := n.heard("t:room")
		slices.SortStableFunc(heard, func(a, b string) int { return strings.Compare(a[:1], b[:1]) }) // keeps each node's order
		others := slices.Concat(want[:i*messages], want[(i+1)*messages:])
		if !slices.Equal(heard, others) {
			t.Errorf("node %d heard %q", i, heard)
		}
	}
}

func TestServerThatWasNeverThere(t *testing.T) {
	t.Parallel()
	e := newEngine(t, theRedis)
	opts := &Options{Patience: 300 * time.Millisecond}
	from, to := startNode(t, e.url(), opts), startNode(t, e.url(), opts)
	to.Interest("t:room", true)
	if err := from.say("t:room", "early"); err != nil {
		t.Errorf("Publish before there ever was a server: %v", err)
	}
	eventually(t, "publishing is refused when patience ends", func() bool {
		return errors.Is(from.say("t:room", "late"), pubsub.ErrUnavailable)
	})
	eventually(t, "what waited too long is dropped and counted", func() bool {
		h := from.Health()
		return h.Pending == 0 && h.Lost > 1
	})
	if h := from.Health(); h.State != pubsub.StateConnecting || !strings.Contains(h.Detail, "refused") {
		t.Errorf("without a server health is %+v", h)
	}
	e.start()
	started := time.Now()
	to.awaitState(pubsub.StateUp)
	if took := time.Since(started); took > 3*time.Second {
		t.Errorf("connecting took %v", took)
	}
	reach(from, to, "t:room")
	if to.recovered.Load() != 1 {
		t.Errorf("told %d times of a recovery", to.recovered.Load())
	}
}

func TestWrongPasswordShowsButNotWhichItIs(t *testing.T) {
	const secret = "s3cr3t-wr0ng"
	e := startEngine(t, theRedis, "--requirepass", "right")
	var l logs
	n := startNode(t, "redis://:"+secret+"@"+address(e.port), &Options{Logger: l.logger()})
	eventually(t, "health says what is wrong", func() bool { return strings.Contains(n.Health().Detail, "WRONGPASS") })
	if h := n.Health(); h.State != pubsub.StateConnecting {
		t.Errorf("with a wrong password the state is %v", h.State)
	}
	_ = n.say("t:room", "event")
	n.shut()
	for what, text := range map[string]string{"detail": n.Health().Detail, "log": l.String(), "value": fmt.Sprintf("%+v", n.Health())} {
		if strings.Contains(text, secret) {
			t.Errorf("the %s holds the password: %s", what, text)
		}
	}
	if !strings.Contains(l.String(), "WRONGPASS") {
		t.Errorf("the log does not say what is wrong: %q", l.String())
	}
	right := startNode(t, "redis://:right@"+address(e.port), nil)
	right.awaitState(pubsub.StateUp)
}

func TestUserNeedsOnlyWhatIsDocumented(t *testing.T) {
	t.Parallel()
	t.Run("one server", func(t *testing.T) {
		e := startEngine(t, theRedis)
		e.do("ACL", "SETUSER", "roost", "on", ">pass", "resetchannels", "&roost:*",
			"+hello", "+ping", "+publish", "+subscribe", "+unsubscribe")
		from, to := pair(t, "redis://roost:pass@"+address(e.port), nil)
		to.settle("t:room")
		reach(from, to, "t:room")
	})
	t.Run("a cluster", func(t *testing.T) {
		all := startCluster(t, theRedis, 2, 0)
		all.each(func(e *engine) {
			e.do("ACL", "SETUSER", "roost", "on", ">pass", "resetchannels", "&roost:*",
				"+hello", "+ping", "+cluster|slots", "+spublish", "+ssubscribe", "+sunsubscribe")
		})
		from, to := pair(t, "redis://roost:pass@"+address(all[0].port), nil)
		for i := range 10 {
			subject := fmt.Sprintf("t:%d", i)
			to.settle(subject)
			reach(from, to, subject)
		}
	})
	t.Run("history", func(t *testing.T) {
		all3 := startCluster(t, theRedis, 2, 0)
		one := startEngine(t, theRedis)
		for _, e := range append(engines{one}, all3...) {
			e.do("ACL", "SETUSER", "roost", "on", ">pass", "resetchannels", "&roost:*", "~roost:*",
				"+hello", "+ping", "+publish", "+subscribe", "+unsubscribe", "+cluster|slots", "+spublish", "+ssubscribe", "+sunsubscribe",
				"+eval", "+evalsha", "+script|load", "+info", "+time", "+exists", "+hmget", "+hset",
				"+xadd", "+xrange", "+xtrim", "+pexpire", "+unlink")
		}
		for _, port := range []int{one.port, all3[0].port} {
			n := startLog(t, "redis://roost:pass@"+address(port), nil, history.Keep{Topics: []string{"*"}, Bytes: 100})
			for i := range 10 {
				topic := fmt.Sprintf("room %d", i)
				n.settle(pubsub.TopicSubject(topic))
				n.last(topic)
				n.append(topic, "e")
				entry := n.append(topic, "trimmed")
				if _, err := n.readAll(topic, entry.Position); err != nil {
					t.Fatal(err)
				}
				eventually(t, "what is appended arrives", func() bool { return len(n.brought(topic)) == 2 })
			}
		}
	})
	t.Run("what is missing is told", func(t *testing.T) {
		e := startEngine(t, theRedis)
		e.do("ACL", "SETUSER", "roost", "on", ">pass", "resetchannels", "&other:*", "+@all")
		n := startNode(t, "redis://roost:pass@"+address(e.port), nil)
		n.Interest("t:room", true)
		eventually(t, "health says so", func() bool { return strings.Contains(n.Health().Detail, "NOPERM") })
		if s := n.Health().State; s == pubsub.StateUp {
			t.Errorf("the state is %v", s)
		}
	})
}

// A subscriber that Redis cuts off for being slow has been away.
func TestSlowNodeIsCutOffAndRecovers(t *testing.T) {
	e := startEngine(t, theRedis, "--client-output-buffer-limit", "pubsub 1mb 1mb 0")
	from, to := pair(t, e.url(), nil)
	to.settle("t:room")
	entered, leave := make(chan struct{}), make(chan struct{})
	to.mu.Lock()
	to.on = func(e *pubsub.Envelope) {
		if e.Event == "block" {
			close(entered)
			<-leave
		}
	}
	to.mu.Unlock()
	if err := from.say("t:room", "block"); err != nil {
		t.Fatal(err)
	}
	<-entered
	payload := make([]byte, 256<<10)
	eventually(t, "the server cuts it off", func() bool {
		if err := from.sayBytes("t:room", "bulk", payload); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(e.text("INFO", "stats"), "client_output_buffer_limit_disconnections:1") ||
			!strings.Contains(e.text("CLIENT", "LIST", "TYPE", "pubsub"), "sub=1")
	})
	close(leave)
	eventually(t, "it is told that it missed something", func() bool { return to.recovered.Load() == 1 })
	reach(from, to, "t:room")
}

func TestTooLargeIsAnError(t *testing.T) {
	e := startEngine(t, theRedis)
	from, to := pair(t, e.url(), &Options{Buffer: 64 << 20})
	to.settle("t:room")
	if err := from.sayBytes("t:room", "huge", make([]byte, maxMessage)); !errors.Is(err, pubsub.ErrTooLarge) {
		t.Errorf("a message that is too large: %v", err)
	}
	if err := from.sayBytes("t:room", "large", make([]byte, maxMessage-1024)); err != nil {
		t.Errorf("the largest message: %v", err)
	}
	eventually(t, "the largest message arrives", func() bool { return len(to.heard("t:room")) == 1 })
	small := startNode(t, e.url(), &Options{Buffer: 1000})
	if err := small.sayBytes("t:room", "large", make([]byte, 1000)); !errors.Is(err, pubsub.ErrTooLarge) {
		t.Errorf("a message that is larger than the buffer: %v", err)
	}
}

// While the server is there a full buffer is no error: the publisher waits.
func TestBusyServerIsWaitedFor(t *testing.T) {
	e := startEngine(t, theRedis)
	from, to := pair(t, e.url(), &Options{Buffer: 64 << 10})
	to.settle("t:room")
	const messages = 2000
	for i := range messages {
		if err := from.sayBytes("t:room", fmt.Sprint(i), make([]byte, 8<<10)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all arrive", func() bool { return len(to.heard("t:room")) == messages })
	for i, event := range to.heard("t:room") {
		if event != fmt.Sprint(i) {
			t.Fatalf("message %s came as number %d", event, i)
		}
	}
}

func TestCloseSendsWhatIsBuffered(t *testing.T) {
	e := startEngine(t, theRedis)
	from, to := pair(t, e.url(), nil)
	to.settle("t:room")
	const messages = 5000
	for i := range messages {
		if err := from.say("t:room", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	from.shut()
	eventually(t, "all arrive", func() bool { return len(to.heard("t:room")) == messages })
	if err := from.say("t:room", "after"); err == nil {
		t.Error("Publish after Close gives no error")
	}
	if err := from.Settle(t.Context()); err == nil {
		t.Error("Settle after Close gives no error")
	}
	if s := from.Health().State; s != pubsub.StateClosed {
		t.Errorf("the state after Close is %v", s)
	}
}

func TestNothingRunsAfterClose(t *testing.T) {
	e := startEngine(t, theRedis)
	cluster := startCluster(t, theRedis, 2, 0)
	before := runtime.NumGoroutine()
	for range 3 {
		for _, url := range []string{e.url(), cluster.url(), "redis://127.0.0.1:1"} {
			ps := newPubSub(t, url, nil)
			ps.Subscribe("room", ignore{})
			_ = ps.Broadcast(t.Context(), &pubsub.Message{Topic: "room", Event: "e"})
			closePubSub(t, ps)
		}
	}
	for _, url := range []string{e.url(), cluster.url()} {
		n := startLog(t, url, nil, all)
		n.append("room", "e")
		n.shut()
	}
	from, to := pair(t, e.url(), nil)
	to.settle("t:room")
	e.signal(syscall.SIGSTOP)
	_ = from.say("t:room", "away")
	to.awaitState(pubsub.StateDegraded)
	to.shut()
	from.shut()
	e.signal(syscall.SIGCONT)
	never, err := New(e.url(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := never.Close(t.Context()); err != nil {
		t.Errorf("Close of what was never started: %v", err)
	}
	if err := never.Start(&node{}); err == nil {
		t.Error("Start after Close gives no error")
	}
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}

type ignore struct{}

func (ignore) Deliver(*pubsub.Message) {}

func newPubSub(t testing.TB, url string, opts *Options) *pubsub.PubSub {
	t.Helper()
	a, err := New(url, opts)
	if err != nil {
		t.Fatal(err)
	}
	ps, err := pubsub.New(&pubsub.Options{Adapter: a})
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

func closePubSub(t testing.TB, ps *pubsub.PubSub) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := ps.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

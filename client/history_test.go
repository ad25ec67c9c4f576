package client_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/history"
)

// diary is what a channel was told, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) writef(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

func (d *diary) holds(line string) func() bool {
	return func() bool { return slices.Contains(d.read(), line) }
}

// keep has the diary of all that a channel is told of numbered events, in text and binary.
func keep(ch *client.Channel) *diary {
	d := &diary{}
	ch.On(Number, func(_ context.Context, v number) { d.writef("%d", v.N) })
	ch.On(Blob, func(_ context.Context, b []byte) { d.writef("%d", binary.BigEndian.Uint32(b)) })
	ch.OnRecovered(func(_ context.Context, n int) { d.writef("recovered %d", n) })
	ch.OnGap(func(context.Context) { d.writef("gap") })
	ch.OnRejoin(func(_ context.Context, w welcome) { d.writef("rejoined") })
	return d
}

// publish broadcasts the numbers, those that binaries says in binary.
func publish(t *testing.T, a *app, topic string, first, last int, binaries func(n int) bool) {
	t.Helper()
	for n := first; n <= last; n++ {
		var err error
		if binaries(n) {
			err = Blob.Broadcast(context.Background(), a.ps, topic, binary.BigEndian.AppendUint32(nil, uint32(n)))
		} else {
			err = Number.Broadcast(context.Background(), a.ps, topic, number{n})
		}
		if err != nil {
			t.Error(err)
		}
	}
}

func none(int) bool  { return false }
func odd(n int) bool { return n%2 == 1 }

// oddUnless is odd but over long polling, where a server has no way to say bytes.
func oddUnless(polls bool) func(int) bool {
	if polls {
		return none
	}
	return odd
}

func wantDiary(t *testing.T, d *diary, want ...string) {
	t.Helper()
	eventually(t, strings.Join(want, ", "), func() bool { return len(d.read()) >= len(want) })
	if got := d.read(); !slices.Equal(got, want) {
		t.Errorf("was told %q, want %q", got, want)
	}
}

// away cuts a client off, does something meanwhile, and lets it come back.
type away struct {
	*proxy

	gate chan struct{}
}

func newAway(t *testing.T, socketURL string) *away {
	w := &away{gate: make(chan struct{})}
	close(w.gate)
	w.proxy = newProxy(t, socketURL, nil, nil)
	return w
}

func (w *away) while(f func()) {
	w.mu.Lock()
	w.gate = make(chan struct{})
	w.mu.Unlock()
	w.settle()
	w.cut()
	f()
	close(w.gate)
}

// params waits until the client may come back.
func (w *away) params(context.Context) (url.Values, error) {
	w.mu.Lock()
	gate := w.gate
	w.mu.Unlock()
	<-gate
	return url.Values{}, nil
}

func TestMissedEventsAreTold(t *testing.T) { overBoth(t, testMissedEventsAreTold) }

func testMissedEventsAreTold(t *testing.T, polls bool) {
	t.Helper()
	a := newApp(t, appOptions{keep: &history.Keep{Count: 5}})
	w := newAway(t, a.start(t))
	s := dial(t, w.url(), client.Options{LongPoll: polls, Params: w.params})
	ch := s.Channel("log:1", &client.ChannelOptions{History: true})
	d := keep(ch)
	publish(t, a, "log:1", 1, 1, none) // before it joins
	join(t, ch)
	start := ch.Position()
	if start == "" {
		t.Error("there is no position behind the join")
	}
	publish(t, a, "log:1", 2, 3, oddUnless(polls))
	wantDiary(t, d, "2", "3")

	w.while(func() { publish(t, a, "log:1", 4, 6, oddUnless(polls)) })
	eventually(t, "the recovery", d.holds("recovered 3"))
	publish(t, a, "log:1", 7, 7, none)
	wantDiary(t, d, "2", "3", "rejoined", "4", "5", "6", "recovered 3", "7")

	// More than is kept.
	w.while(func() { publish(t, a, "log:1", 8, 20, oddUnless(polls)) })
	eventually(t, "the rejoin", func() bool { return len(d.read()) == 10 })
	publish(t, a, "log:1", 21, 21, none)
	wantDiary(t, d, "2", "3", "rejoined", "4", "5", "6", "recovered 3", "7", "gap", "rejoined", "21")

	// A crash of the conversation loses nothing either.
	if err := ch.Push(t.Context(), Crash, roost.Ack{}); err != nil {
		t.Error(err)
	}
	publish(t, a, "log:1", 22, 24, oddUnless(polls))
	eventually(t, "the last event", d.holds("24"))
	var numbers []string
	for _, line := range d.read()[11:] {
		if line[0] >= '0' && line[0] <= '9' {
			numbers = append(numbers, line)
		}
	}
	if !slices.Equal(numbers, []string{"22", "23", "24"}) || d.holds("gap")() && len(d.read()) < 13 {
		t.Errorf("was told %q", d.read())
	}
}

func TestPositionCarriesOnInAnotherLife(t *testing.T) {
	overBoth(t, testPositionCarriesOnInAnotherLife)
}

func testPositionCarriesOnInAnotherLife(t *testing.T, polls bool) {
	t.Helper()
	a := newApp(t, appOptions{keep: &history.Keep{}})
	url := a.start(t)
	first := dial(t, url, client.Options{LongPoll: polls})
	ch := first.Channel("log:1", &client.ChannelOptions{History: true})
	d := keep(ch)
	join(t, ch)
	publish(t, a, "log:1", 1, 3, none)
	eventually(t, "the events", d.holds("3"))
	eventually(t, "their position", func() bool { return strings.HasSuffix(ch.Position(), ".3.") })
	shut(t, first)

	publish(t, a, "log:1", 4, 5, oddUnless(polls))
	second := dial(t, url, client.Options{LongPoll: polls})
	ch = second.Channel("log:1", &client.ChannelOptions{After: ch.Position()})
	d = keep(ch)
	join(t, ch)
	wantDiary(t, d, "4", "5", "recovered 2")

	ch = second.Channel("log:2", &client.ChannelOptions{After: ch.Position()}) // which is of another topic
	d = keep(ch)
	join(t, ch)
	wantDiary(t, d, "gap")
}

func TestTopicWithoutHistory(t *testing.T) { overBoth(t, testTopicWithoutHistory) }

func testTopicWithoutHistory(t *testing.T, polls bool) {
	t.Helper()
	a := newApp(t, appOptions{keep: &history.Keep{}})
	w := newAway(t, a.start(t))
	s := dial(t, w.url(), client.Options{LongPoll: polls, Params: w.params})
	ch, plain := s.Channel("room:1", &client.ChannelOptions{History: true}), s.Channel("log:1", nil)
	d, p := keep(ch), keep(plain)
	join(t, ch)
	join(t, plain)
	w.while(func() {
		publish(t, a, "room:1", 1, 2, none)
		publish(t, a, "log:1", 1, 2, none)
	})
	wantDiary(t, d, "rejoined")
	wantDiary(t, p, "rejoined")
	publish(t, a, "room:1", 3, 4, oddUnless(polls))
	publish(t, a, "log:1", 3, 4, oddUnless(polls))
	wantDiary(t, d, "rejoined", "3", "4")
	wantDiary(t, p, "rejoined", "3", "4")
	if ch.Position() != "" || plain.Position() != "" {
		t.Errorf("positions %q, %q", ch.Position(), plain.Position())
	}
	_, err := s.Channel("log:2", &client.ChannelOptions{History: true}).Join[welcome](t.Context(), []int{1})
	if err == nil || !strings.Contains(err.Error(), "JSON object") {
		t.Errorf("parameters that have no room for a position: %v", err)
	}
}

// Callbacks that do not keep up cost time, and with a history nothing else.
func TestInboxThatOverruns(t *testing.T) { overBoth(t, testInboxThatOverruns) }

func testInboxThatOverruns(t *testing.T, polls bool) {
	t.Helper()
	a := newApp(t, appOptions{keep: &history.Keep{}})
	ch := dial(t, a.start(t), client.Options{LongPoll: polls}).Channel("log:1", &client.ChannelOptions{History: true, Inbox: 8})
	d := keep(ch)
	var overruns atomic.Int32
	ch.OnError(func(_ context.Context, err error) {
		if err != client.ErrOverrun { //nolint:errorlint // this very one
			t.Error(err)
		}
		overruns.Add(1)
	})
	block, blocked := make(chan struct{}), make(chan struct{}, 1)
	ch.On(Noted, func(context.Context, said) {
		blocked <- struct{}{}
		<-block
	})
	join(t, ch)
	if err := Noted.Broadcast(t.Context(), a.ps, "log:1", said{}); err != nil {
		t.Error(err)
	}
	next(t, "the callback", blocked)
	publish(t, a, "log:1", 1, 100, oddUnless(polls))
	eventually(t, "the overrun", func() bool { return !ch.Joined() })
	close(block)
	eventually(t, "the last event", d.holds("100"))
	checkSequence(t, d, 100, false)
	if overruns.Load() == 0 {
		t.Error("no overrun was told")
	}
}

// checkSequence fails unless all numbers up to last are there, once and in order, but for gaps that were told if there may be.
func checkSequence(t *testing.T, d *diary, last int, gaps bool) (told int) {
	t.Helper()
	previous, gap := 0, false
	for i, line := range d.read() {
		n := 0
		switch _, err := fmt.Sscanf(line, "%d", &n); {
		case line == "gap":
			gap = true
			told++
		case err != nil:
		case n == previous+1 || gaps && gap && n > previous:
			previous, gap = n, false
		default:
			t.Fatalf("line %d is %d behind %d: %q", i, n, previous, d.read()[max(0, i-20):i+1])
		}
	}
	if previous != last || told > 0 && !gaps {
		t.Fatalf("ended at %d of %d with %d gaps", previous, last, told)
	}
	return told
}

// TestConnectionCutAtEveryByte cuts the server's side of a conversation behind each byte of it (in short: each third): nothing is lost, and
// nothing comes twice.
func TestConnectionCutAtEveryByte(t *testing.T) {
	t.Run("broadcast", func(t *testing.T) { cutAtEveryByte(t, nil) })
	t.Run("intercepted", func(t *testing.T) { cutAtEveryByte(t, slices.Clone[[]byte]) })
}

// firstOnly is a limit for the first connection alone.
func firstOnly(limit int) func() int {
	n := 0
	return func() int {
		if n++; n > 1 {
			return -1
		}
		return limit
	}
}

func cutAtEveryByte(t *testing.T, out func([]byte) []byte) {
	t.Helper()
	a := newApp(t, appOptions{keep: &history.Keep{}, out: out})
	url := a.start(t)
	talk := func(topic string, limit int) (carried int) {
		p := newProxy(t, url, firstOnly(limit), nil)
		o := client.Options{Reconnect: soon, Rejoin: soon, Logger: discard}
		s, err := client.Dial(t.Context(), p.url(), &o)
		if err != nil {
			return -1 // cut before it stood
		}
		defer shut(t, s)
		ch := s.Channel(topic, &client.ChannelOptions{History: true})
		d := keep(ch)
		join(t, ch)
		publish(t, a, topic, 1, 6, odd)
		eventually(t, fmt.Sprintf("the last event, cut behind byte %d", limit), d.holds("6"))
		checkSequence(t, d, 6, false)
		return int(p.carried.Load())
	}
	whole := talk("log:whole", 1<<20)
	stood := false
	step := 3
	if os.Getenv("ROOST_SOAK") != "" {
		step = 1
	}
	for limit := 1; limit <= whole; limit += step {
		carried := talk(fmt.Sprint("log:", limit), limit)
		if stood && carried < 0 {
			t.Fatalf("the connection did not stand when cut behind byte %d, and did before", limit)
		}
		stood = carried >= 0
	}
	if !stood {
		t.Error("no connection ever stood")
	}
}

// TestTorture numbers events on a topic that is kept while clients are cut off, crashed, disconnected and overrun at random: each
// has all of them in order, or was told of a gap in its place.
func TestTorture(t *testing.T) {
	seeds, until := uint64(2), time.Time{}
	if os.Getenv("ROOST_SOAK") != "" {
		until = time.Now().Add(40 * time.Second) // make soak does it five times
	}
	gaps := 0
	for seed := uint64(0); seed < seeds || time.Now().Before(until); seed++ {
		gaps += torture(t, seed, 10_000)
		gaps += torture(t, seed, 12) // of 300 events: who is away is late
		if t.Failed() {
			return
		}
	}
	t.Logf("%d gaps were told", gaps)
}

func torture(t *testing.T, seed uint64, kept int) (gaps int) {
	t.Helper()
	const clients, events = 20, 300
	t.Logf("seed %d, %d events kept", seed, kept)
	random := rand.New(rand.NewPCG(seed, uint64(kept)))
	o := appOptions{keep: &history.Keep{Count: kept}}
	if seed%2 == 1 {
		o.out = slices.Clone[[]byte]
	}
	a := newApp(t, o)
	l := listen(t, "127.0.0.1:0")
	defer a.serve(t, l)()
	var drawing sync.Mutex
	draw := func(n int) int {
		drawing.Lock()
		defer drawing.Unlock()
		return random.IntN(n)
	}
	p := newProxy(t, socketURL(l), func() int { return 150 + draw(6000) }, nil)

	var channels []*client.Channel
	var diaries []*diary
	for i := range clients {
		s := dialUntil(t, p.url(), fmt.Sprint("user", i))
		defer shut(t, s)
		ch := s.Channel("log:1", &client.ChannelOptions{History: true, Inbox: 16 + draw(500)})
		diaries = append(diaries, keep(ch))
		join(t, ch)
		channels = append(channels, ch)
	}
	for n := 1; n <= events; n++ {
		publish(t, a, "log:1", n, n, func(int) bool { return draw(2) == 0 })
		victim := draw(clients)
		switch draw(30) {
		case 0:
			p.cut()
		case 1:
			a.ps.Disconnect(t.Context(), fmt.Sprint("user", victim))
		case 2:
			if channels[victim].Joined() {
				_ = channels[victim].Push(t.Context(), Crash, roost.Ack{})
			}
		case 3, 4, 5, 6, 7:
			<-time.After(time.Duration(draw(3000)) * time.Microsecond) // the rhythm
		}
	}
	p.calm.Store(true)
	p.cut()
	last := events
	for !allAt(diaries, last) { // who is told of a gap hears of its end by what comes next
		last++
		publish(t, a, "log:1", last, last, none)
		eventuallyOr(100*time.Millisecond, func() bool { return allAt(diaries, last) })
		if last > 2*events {
			t.Fatal("some client does not come back")
		}
	}
	for _, d := range diaries {
		gaps += checkSequence(t, d, last, kept < events)
	}
	return gaps
}

// allAt reports whether all diaries have the number.
func allAt(diaries []*diary, n int) bool {
	for _, d := range diaries {
		if !d.holds(fmt.Sprint(n))() {
			return false
		}
	}
	return true
}

// eventuallyOr waits for a condition, but not for long.
func eventuallyOr(d time.Duration, condition func() bool) {
	deadline := time.After(d)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			return
		}
	}
}

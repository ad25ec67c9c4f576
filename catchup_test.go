package roost_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/transport/memory"
)

// keepingApp is the application of these tests on topics that are kept.
func keepingApp(t *testing.T, keep history.Keep) (*app, *pubsub.PubSub) {
	t.Helper()
	keep.Topics = []string{"room:*"}
	ps, err := pubsub.New(&pubsub.Options{History: []history.Keep{keep}})
	if err != nil {
		t.Fatal(err)
	}
	return &app{opts: roost.Options[user]{PubSub: ps}}, ps
}

func announce(t *testing.T, ps *pubsub.PubSub, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := Said.Broadcast(t.Context(), ps, "room:1", said{"a job", text}); err != nil {
			t.Fatal(err)
		}
	}
}

var positions = regexp.MustCompile(`[\w-]{16}\.[0-9a-z]+\.`)

// forget replaces the random epochs of positions.
func forget(frame string) string {
	return positions.ReplaceAllStringFunc(frame, func(p string) string {
		return "@" + p[strings.Index(p, ".")+1:len(p)-1]
	})
}

// positionIn returns the last position that a frame has.
func positionIn(t *testing.T, frame string) string {
	t.Helper()
	all := positions.FindAllString(frame, -1)
	if len(all) == 0 {
		t.Fatalf("there is no position in %s", frame)
	}
	return all[len(all)-1]
}

func wantFrames(t *testing.T, c *rawClient, frames ...string) (last string) {
	t.Helper()
	for _, want := range frames {
		last = c.next()
		if got := forget(last); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
	return last
}

func TestClientGetsExactlyWhatItMissed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, ps := keepingApp(t, history.Keep{})
		var resumed []bool
		a.join = func(_ context.Context, ch *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
			resumed = append(resumed, ch.Resumed())
			return count{}, nil
		}
		server := a.server()
		announce(t, ps, "before")
		c := dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", `{"_history":true}`)
		wantFrames(t, c, `["1","1","room:1","phx_reply",{"response":{"_history":{"position":"@1"},"n":0},"status":"ok"}]`)
		announce(t, ps, "seen")
		position := positionIn(t, wantFrames(t, c, `[null,"@2","room:1","said",{"by":"a job","text":"seen"}]`))
		c.send("1", "2", "room:1", "phx_leave", `{}`)
		c.drainTo(2)
		announce(t, ps, "one", "two")

		c.send("3", "3", "room:1", "phx_join", fmt.Sprintf(`{"_history":{"after":%q}}`, position))
		wantFrames(t, c,
			`["3","3","room:1","phx_reply",{"response":{"_history":{"position":"@2","recovered":true},"n":0},"status":"ok"}]`,
			`[null,"@3","room:1","said",{"by":"a job","text":"one"}]`,
			`[null,"@4","room:1","said",{"by":"a job","text":"two"}]`,
			`[null,"@4","room:1","_history",{"recovered":2}]`)
		announce(t, ps, "live")
		wantFrames(t, c, `[null,"@5","room:1","said",{"by":"a job","text":"live"}]`)
		c.wantNothing()
		if fmt.Sprint(resumed) != "[false true]" {
			t.Errorf("Resumed was %v", resumed)
		}
	})
}

// However much was missed, and whether or not it fits into one piece with the
// join reply.
func TestAllThatWasMissedComesInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, ps := keepingApp(t, history.Keep{})
		server := a.server()
		c := dial(t, server, "ada")
		for i := range 700 {
			announce(t, ps, fmt.Sprint(i))
		}
		announce(t, ps, strings.Repeat("x", 100_000), strings.Repeat("y", 30_000))
		last, err := ps.Log().Last(t.Context(), "room:1")
		if err != nil {
			t.Fatal(err)
		}
		for _, missed := range []int{0, 1, 2, 100, 258, 259, 702} {
			after := history.Position{Epoch: last.Epoch, Seq: last.Seq - uint64(missed)}
			c.send("1", "1", "room:1", "phx_join", fmt.Sprintf(`{"_history":{"after":%q}}`, after))
			if reply := c.next(); !strings.Contains(reply, `"recovered":true`) {
				t.Fatal(reply)
			}
			for i := last.Seq - uint64(missed) + 1; i <= last.Seq; i++ {
				want := history.Position{Epoch: last.Epoch, Seq: i}
				if got := c.next(); !strings.HasPrefix(got, fmt.Sprintf(`[null,%q,"room:1","said"`, want)) {
					t.Fatalf("%d missed: got %.100s, want the event at %v", missed, got, want)
				}
			}
			if got, want := c.next(), fmt.Sprintf(`[null,%q,"room:1","_history",{"recovered":%d}]`, last, missed); got != want {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
			c.send("1", "2", "room:1", "phx_leave", `{}`)
			c.drainTo(2)
		}
		c.wantNothing()
	})
}

// Once something could not be held, nothing behind it is, though there may be
// room by then: all of it comes from the log.
func TestWhatIsHeldHasNoHole(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, ps := keepingApp(t, history.Keep{})
		a.opts.MailboxLen = 4
		joined, first := make(chan struct{}), make(chan struct{})
		a.join = func(context.Context, *roost.Channel[room], *roost.Socket[user], struct{}) (count, error) {
			<-joined
			return count{}, nil
		}
		a.out = func(_ context.Context, _ *roost.Channel[room], v said) (said, bool, error) {
			if v.Text == "0" {
				<-first
			}
			return v, true, nil
		}
		mark := func(from, to int) {
			for i := from; i < to; i++ {
				if err := Marked.Broadcast(t.Context(), ps, "room:1", said{"a job", fmt.Sprint(i)}); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
		}
		c := dial(t, a.server(), "ada")
		c.send("1", "1", "room:1", "phx_join", `{"_history":true}`)
		synctest.Wait()
		mark(0, 6)
		close(joined)
		synctest.Wait()
		mark(6, 7) // while the first is being told
		close(first)
		c.drainTo(1)
		for i := range 7 {
			wantFrames(t, c, fmt.Sprintf(`["1","@%d","room:1","marked",{"by":"a job","text":"%d"}]`, i+1, i))
		}
		c.wantNothing()
	})
}

func TestClientIsToldIfHistoryDoesNotReachBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, ps := keepingApp(t, history.Keep{Count: 2})
		server := a.server()
		c := dial(t, server, "ada")
		announce(t, ps, "one", "two", "three", "four")
		epoch, err := ps.Log().Last(t.Context(), "room:1")
		if err != nil {
			t.Fatal(err)
		}
		future := history.Position{Epoch: epoch.Epoch, Seq: 5}
		trimmed := history.Position{Epoch: epoch.Epoch, Seq: 1}
		if err := Said.Broadcast(t.Context(), ps, "room:2", said{"a job", "elsewhere"}); err != nil {
			t.Fatal(err)
		}
		other, err := ps.Log().Last(t.Context(), "room:2")
		if err != nil {
			t.Fatal(err)
		}
		asked := []string{`{"after":5}`, `{"binary":"x"}`}
		for _, after := range []string{trimmed.String(), future.String(), other.String(), "garbage", "AAAAAAAAAAAAAAAA.1.", strings.Repeat("x", 10_000)} {
			asked = append(asked, fmt.Sprintf(`{"after":%q}`, after))
		}
		for i, request := range asked {
			ref := fmt.Sprint(i)
			c.send(ref, ref, "room:1", "phx_join", `{"_history":`+request+`}`)
			wantFrames(t, c, fmt.Sprintf(`[%q,%[1]q,"room:1","phx_reply",{"response":{"_history":{"position":"@4","recovered":false},"n":0},"status":"ok"}]`, ref))
			if i > 0 {
				c.drainTo(1) // the end of the one before
			}
		}
		c.wantNothing()
	})
}

func TestWhoDoesNotAskSeesNoHistory(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, ps := keepingApp(t, history.Keep{Events: []string{"said"}})
		server := a.server()
		c := dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.want(`["1","1","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`)
		announce(t, ps, "hello")
		c.want(`[null,null,"room:1","said",{"by":"a job","text":"hello"}]`)
		c.send("1", "2", "room:1", "say", `{"text":"me"}`)
		c.want(`[null,null,"room:1","said",{"by":"ada","text":"me"}]`, `["1","2","room:1","phx_reply",{"response":{},"status":"ok"}]`)
		c.send("1", "3", "room:1", "whisper", `{"text":"psst"}`)
		c.wantNothing()
	})
}

func TestInterceptedEventsHaveTheirPositionsToo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, ps := keepingApp(t, history.Keep{})
		a.out = func(_ context.Context, _ *roost.Channel[room], v said) (said, bool, error) {
			v.By += "!"
			return v, v.Text != "hidden", nil
		}
		mark := func(text string) {
			t.Helper()
			if err := Marked.Broadcast(t.Context(), ps, "room:1", said{"job", text}); err != nil {
				t.Error(err)
			}
		}
		server := a.server()
		c := dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", `{"_history":{}}`)
		start := positionIn(t, c.next())
		mark("shown")
		mark("hidden")
		announce(t, ps, "plain")
		want := []string{
			`["1","@1","room:1","marked",{"by":"job!","text":"shown"}]`,
			`[null,"@3","room:1","said",{"by":"a job","text":"plain"}]`,
		}
		wantFrames(t, c, want...)
		c.send("1", "2", "room:1", "phx_join", fmt.Sprintf(`{"_history":{"after":%q}}`, start))
		wantFrames(t, c, append([]string{
			`["1","2","room:1","phx_reply",{"response":{"_history":{"position":"@0","recovered":true},"n":0},"status":"ok"}]`,
			`["1","1","room:1","phx_close",{}]`,
		}, append(want, `[null,"@3","room:1","_history",{"recovered":2}]`)...)...)
	})
}

func TestSenderOfBroadcastFromDoesNotSeeItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, _ := keepingApp(t, history.Keep{})
		server := a.server()
		ada, bob := dial(t, server, "ada"), dial(t, server, "bob")
		for _, c := range []*rawClient{ada, bob} {
			c.send("1", "1", "room:1", "phx_join", `{"_history":true}`)
			c.next()
		}
		ada.send("1", "2", "room:1", "whisper", `{"text":"psst"}`)
		wantFrames(t, bob, `[null,"@1","room:1","said",{"by":"ada","text":"psst"}]`)
		ada.wantNothing()
		bob.send("1", "2", "room:1", "say", `{"text":"what?"}`)
		wantFrames(t, ada, `[null,"@2","room:1","said",{"by":"bob","text":"what?"}]`) // moves the position past her own
	})
}

// Version 1 has no way to say bytes. A conversation that ended for that would
// begin at the same event again and again.
func TestWhatAConnectionCannotCarryIsSkippedAndTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, ps := keepingApp(t, history.Keep{})
		server := a.server()
		start, err := ps.Log().Last(t.Context(), "room:1")
		if err != nil {
			t.Fatal(err)
		}
		announce(t, ps, "before")
		show(t, ps, "room:1", "bytes")
		show(t, ps, "room:1", "more bytes")
		announce(t, ps, "behind")
		conn, err := memory.Dial(server.Accept, &memory.Options{Params: url.Values{"vsn": {"1.0.0"}, "name": {"ada"}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Shutdown(context.Background()) })
		c := &rawClient{t, conn}
		c.raw(fmt.Sprintf(`{"topic":"room:1","event":"phx_join","payload":{"_history":{"after":%q,"binary":true}},"ref":"1","join_ref":"1"}`, start.Epoch+".0."))
		c.next()
		wantFrames(t, c,
			`{"event":"said","payload":{"by":"a job","text":"before"},"ref":"@1","topic":"room:1"}`,
			`{"event":"_history","payload":{"skipped":1},"ref":"@2","topic":"room:1"}`,
			`{"event":"_history","payload":{"skipped":1},"ref":"@3","topic":"room:1"}`,
			`{"event":"said","payload":{"by":"a job","text":"behind"},"ref":"@4","topic":"room:1"}`)
		if n := a.logs.count("cannot carry an event"); n != 1 {
			t.Errorf("it was logged %d times, want once for a conversation", n)
		}
	})
}

// Whatever falls together, a client that comes back with its position has, in
// the end, each event once and in order.
func TestNoEventIsLostOverReconnects(t *testing.T) {
	seeds := uint64(60)
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) { reconnectAtRandom(t, seed) })
	}
}

func reconnectAtRandom(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 5))
	a, ps := keepingApp(t, history.Keep{Count: 10_000})
	a.opts.MailboxLen = 8 // so that catching up outruns what can be held
	a.opts.Messages, a.opts.Joins = roost.Rate{PerSecond: -1}, roost.Rate{PerSecond: -1}
	if random.IntN(2) == 0 {
		a.out = func(_ context.Context, _ *roost.Channel[room], v said) (said, bool, error) { return v, true, nil }
	}
	server := a.server()
	c := dial(t, server, "ada")
	c.send("1", "1", "room:1", "phx_join", `{"_history":true}`)
	position := positionIn(t, c.next())

	total := 100 + random.IntN(200)
	pauses := make([]int, total)
	for i := range pauses {
		pauses[i] = random.IntN(4)
	}
	var publishing sync.WaitGroup
	defer publishing.Wait()
	publishing.Go(func() {
		for i, pause := range pauses {
			for range pause {
				runtime.Gosched()
			}
			_ = Marked.Broadcast(context.Background(), ps, "room:1", said{"job", fmt.Sprint(i)})
		}
	})
	see := regexp.MustCompile(`"marked",\{"by":"job","text":"(\d+)"\}`)
	for got, round := 0, 0; got < total; round++ {
		if round > 10_000 {
			t.Fatalf("seed %d: %d of %d events", seed, got, total)
		}
		for range 1 + random.IntN(40) {
			frame := c.next()
			if strings.Contains(frame, `"recovered":false`) {
				t.Fatalf("seed %d: history does not reach back in round %d", seed, round)
			}
			if strings.Contains(frame, `"phx_error"`) {
				break // more at once than the mailbox holds: the client comes back
			}
			if p := positions.FindString(frame); p != "" {
				position = p
			}
			if seen := see.FindStringSubmatch(frame); seen != nil {
				if seen[1] != fmt.Sprint(got) {
					t.Fatalf("seed %d: %s came in the place of %d in round %d", seed, seen[1], got, round)
				}
				if got++; got == total {
					break
				}
			}
		}
		c.conn.Close(transport.CloseNormal)
		c = dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", fmt.Sprintf(`{"_history":{"after":%q}}`, position))
	}
}

// A join reply of bytes has no room for the client's position. That is noticed
// when the program starts, wherever a topic with history can match.
func TestJoinRepliesOfHistoryAreObjects(t *testing.T) {
	ps, err := pubsub.New(&pubsub.Options{History: []history.Keep{{Topics: []string{"log:*", "lobby", "vid*"}}}})
	if err != nil {
		t.Fatal(err)
	}
	reply := func(context.Context, *roost.Channel[room], *roost.Socket[user], struct{}) ([]byte, error) {
		return nil, nil
	}
	handle := func(pattern string) (panicked any) {
		defer func() { panicked = recover() }()
		server := roost.NewServer(func(context.Context, *roost.ConnectRequest) (user, error) { return user{}, nil },
			&roost.Options[user]{PubSub: ps})
		server.Handle(pattern, roost.NewHandler(reply, nil))
		return nil
	}
	for _, pattern := range []string{
		"log:*", "log:{id}", "log:{id}:{part}", "{any}:1", "*", "log:a*", "lobby", "{name}", "videos:{id}", "vi*", "video*",
	} {
		if got := fmt.Sprint(handle(pattern)); !strings.Contains(got, "must reply with an object") {
			t.Errorf("Handle of %q: panic %v, want one", pattern, got)
		}
	}
	for _, pattern := range []string{"room:*", "lob", "lobby:{id}", "log", "logs:*"} {
		if got := handle(pattern); got != nil {
			t.Errorf("Handle of %q: panic %v, want none", pattern, got)
		}
	}
}

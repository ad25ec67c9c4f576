//go:build linux

package cluster

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// An ear hears one topic and keeps what it hears, up to its bound.
type ear struct {
	channel *channel
	events  chan string
}

func listen(t testing.TB, s *socket, topic string) ear {
	t.Helper()
	e := ear{events: make(chan string, 10_000)}
	var err error
	e.channel, err = s.join(t.Context(), topic, func(event string, payload []byte) {
		select {
		case e.events <- event + " " + string(payload):
		default: // whoever reads it will miss something
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// until returns what was heard before last came, which did come.
func (e ear) until(t testing.TB, last string) (heard []string) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case event := <-e.events:
			if event == last {
				return heard
			}
			heard = append(heard, event)
		case <-late:
			t.Fatalf("%s at %s did not come within %v; what came last: %q",
				last, e.channel.socket.conn.RemoteAddr(), patience, heard[max(0, len(heard)-5):])
		}
	}
}

// audience opens sockets at each node, so many each.
func audience(t testing.TB, nodes []*node, each int, user string) (all []*socket) {
	t.Helper()
	for _, nd := range nodes {
		for range each {
			s, err := connect(t.Context(), nd, user)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.leave)
			all = append(all, s)
		}
	}
	return all
}

// testMessages is what must be so whatever engine the nodes talk over.
func testMessages(t *testing.T, nodes []*node) {
	t.Run("broadcasts reach all nodes once and in order", func(t *testing.T) { testBroadcast(t, nodes) })
	t.Run("broadcasts from a socket leave out that one", func(t *testing.T) { testBroadcastFrom(t, nodes) })
	t.Run("a user is disconnected from all nodes by any", func(t *testing.T) { testDisconnect(t, nodes) })
	t.Run("a user is kicked from a topic by any node", func(t *testing.T) { testKick(t, nodes) })
	t.Run("long polls may go to any node", func(t *testing.T) { testLongPolls(t, nodes) })
}

func testBroadcast(t *testing.T, nodes []*node) {
	const topic = "echo:broadcast of \u00fc\u4e2d any *.> characters"
	var ears []ear
	for _, s := range audience(t, nodes, 2, "") {
		ears = append(ears, listen(t, s, topic))
	}
	meet(t, nodes) // what was listened to before is known by now
	const count = 300
	var speaking sync.WaitGroup
	for i, speaker := range ears {
		speaking.Go(func() {
			for n := range count {
				if err := speaker.channel.push("shout", fmt.Sprintf(`{"from":%d,"n":%d}`, i, n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	speaking.Wait()
	for e, hearer := range ears {
		next := make([]int, len(ears))
		for range len(ears) * count {
			var from, n int
			event := hearer.next(t)
			if _, err := fmt.Sscanf(event, `shout {"from":%d,"n":%d}`, &from, &n); err != nil {
				t.Fatalf("listener %d heard %s: %v", e, event, err)
			}
			if n != next[from] {
				t.Fatalf("listener %d heard number %d of speaker %d, but number %d is next", e, n, from, next[from])
			}
			next[from]++
		}
	}
	ears[0].fence(t, ears)
}

func (e ear) next(t testing.TB) string {
	t.Helper()
	select {
	case event := <-e.events:
		return event
	case <-time.After(patience):
		t.Fatalf("nothing came to %s within %v", e.channel.socket.conn.RemoteAddr(), patience)
		return ""
	}
}

// fence broadcasts something and sees to it that nothing else comes before it.
func (e ear) fence(t testing.TB, ears []ear) {
	t.Helper()
	if err := e.channel.push("shout", `{"last":true}`); err != nil {
		t.Fatal(err)
	}
	for i, hearer := range ears {
		if extra := hearer.until(t, `shout {"last":true}`); len(extra) > 0 {
			t.Errorf("listener %d heard besides: %q", i, extra)
		}
	}
}

func testBroadcastFrom(t *testing.T, nodes []*node) {
	const topic = "echo:broadcast-from"
	var ears []ear
	for _, s := range audience(t, nodes, 2, "") {
		ears = append(ears, listen(t, s, topic))
	}
	meet(t, nodes)
	const count = 100
	for i, speaker := range ears {
		var said []string
		for n := range count {
			payload := fmt.Sprintf(`{"from":%d,"n":%d}`, i, n)
			said = append(said, "shout "+payload)
			if err := speaker.channel.push("shout_from", payload); err != nil {
				t.Fatal(err)
			}
		}
		last := fmt.Sprintf(`{"last":%d}`, i)
		if err := speaker.channel.push("shout", last); err != nil {
			t.Fatal(err)
		}
		for e, hearer := range ears {
			heard := hearer.until(t, "shout "+last)
			if e == i && len(heard) > 0 {
				t.Errorf("speaker %d heard itself: %q", i, heard)
			}
			if e != i && !slices.Equal(heard, said) {
				t.Errorf("listener %d heard %d of the %d that speaker %d said, or in another order", e, len(heard), count, i)
			}
		}
	}
}

func testDisconnect(t *testing.T, nodes []*node) {
	// Users share what nodes tell each other of ids, so there are some who must stay.
	stay := audience(t, nodes, 1, "")
	for i := range 20 {
		stay = append(stay, audience(t, nodes[i%len(nodes):][:1], 1, fmt.Sprintf("stays-%d", i))...)
	}
	for i, by := range nodes {
		user := fmt.Sprintf("goes-%d", i)
		go1 := audience(t, nodes, 2, user)
		meet(t, nodes)
		began := time.Now()
		if _, err := by.admin(t.Context(), "disconnect", url.Values{"user": {user}}); err != nil {
			t.Fatal(err)
		}
		for _, s := range go1 {
			select {
			case <-s.done:
			case <-time.After(patience):
				t.Fatalf("a socket of %s at %s is still open %v after %s disconnected it", user, s.conn.RemoteAddr(), patience, by.name)
			}
			if code, ok := errors.AsType[closeError](s.ended()); !ok || code != 1001 {
				t.Errorf("a socket of %s ended with %v, want close code 1001", user, s.ended())
			}
		}
		t.Logf("%d sockets were disconnected within %v", len(go1), time.Since(began).Round(time.Millisecond))
	}
	for _, s := range stay {
		if err := isAlive(t.Context(), s); err != nil {
			t.Errorf("a socket of somebody else: %v", err)
		}
	}
}

// testKick ends a user's conversations on one topic, and no others.
func testKick(t *testing.T, nodes []*node) {
	kicked := make(chan string, 100)
	var others []*channel
	for i, nd := range nodes {
		for _, user := range []string{"kicked", "stays"} {
			s := audience(t, nodes[i:i+1], 1, user)[0]
			for _, topic := range []string{"echo:kick", "echo:else"} {
				who := user + " from " + topic + " at " + nd.name
				ch, err := s.join(t.Context(), topic, func(event string, _ []byte) { kicked <- who + " " + event })
				if err != nil {
					t.Fatal(err)
				}
				if user != "kicked" || topic != "echo:kick" {
					others = append(others, ch)
				}
			}
		}
	}
	meet(t, nodes)
	if _, err := nodes[1].admin(t.Context(), "kick", url.Values{"user": {"kicked"}, "topic": {"echo:kick"}}); err != nil {
		t.Fatal(err)
	}
	want := make(map[string]bool)
	for _, nd := range nodes {
		want["kicked from echo:kick at "+nd.name+" phx_close"] = true
	}
	for len(want) > 0 {
		select {
		case what := <-kicked:
			if !want[what] {
				t.Fatalf("%s, which nobody asked for; wanted %v", what, want)
			}
			delete(want, what)
		case <-time.After(patience):
			t.Fatalf("not kicked within %v: %v", patience, want)
		}
	}
	for _, ch := range others {
		if _, err := ch.call(t.Context(), "ping", "{}"); err != nil {
			t.Errorf("somebody else: %v", err)
		}
	}
}

// testOperators asks any node what all hold, also while one of them does not answer.
func testOperators(t *testing.T, nodes []*node) {
	const topic, each = "room:operators", 3
	for i, s := range audience(t, nodes, each, "") {
		if _, err := s.join(t.Context(), fmt.Sprintf("echo:no-operators-%d", i), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := s.join(t.Context(), topic, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, nd := range nodes {
		wantCounts(t, nd, topic, counted{Count: each * len(nodes)})
	}
	last := nodes[len(nodes)-1]
	last.Pause()
	defer last.Resume()
	wantCounts(t, nodes[0], topic, counted{Count: each * (len(nodes) - 1), Missing: []string{last.name}})
}

// counted is what all answers to operators have.
type counted struct {
	Count   int
	Missing []string
}

func wantCounts(t *testing.T, nd *node, topic string, want counted) {
	t.Helper()
	for _, action := range []string{"sockets", "presence"} {
		began := time.Now()
		body, err := nd.admin(t.Context(), action, url.Values{"topic": {topic}})
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		var got counted
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s by %s (-want +got):\n%s", action, nd.name, diff)
		}
		if took > healed {
			t.Errorf("%s by %s took %v", action, nd.name, took)
		}
	}
}

func isAlive(ctx context.Context, s *socket) error {
	ch, err := s.join(ctx, "echo:alive", nil)
	if err != nil {
		return err
	}
	_, err = ch.call(ctx, "ping", "{}")
	return err
}

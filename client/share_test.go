package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
)

func joinPart(t *testing.T, p *client.Shared) welcome {
	t.Helper()
	w, err := p.Join[welcome](t.Context(), joining{"ada"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// hear has what a part hears.
func hear(p *client.Shared) chan string {
	heard := make(chan string, 100)
	p.On(Said, func(_ context.Context, v said) { heard <- v.Text })
	return heard
}

func TestPartsShareAConversation(t *testing.T) {
	a := newApp(t, appOptions{})
	s := dial(t, a.start(t), client.Options{})
	first, second := s.Share("room:1", nil), s.Share("room:1", nil)
	one, two := hear(first), hear(second)
	if w := joinPart(t, first); w.Joins != 1 {
		t.Errorf("the first part joined with %v", w)
	}
	if _, err := first.Call(t.Context(), Say, said{Text: "alone"}); err != nil {
		t.Error(err)
	}
	next(t, "what the first part said", one)
	if w := joinPart(t, second); w.Joins != 1 {
		t.Errorf("the second part joined with %v, not what the conversation was joined with", w)
	}
	if r, err := second.Call(t.Context(), Say, said{Text: "together"}); err != nil || r.N != 2 {
		t.Errorf("say: %v, %v: it is one conversation", r, err)
	}
	for _, heard := range []chan string{one, two} {
		if text := next(t, "what was said", heard); text != "together" {
			t.Errorf("heard %q", text)
		}
	}

	// Who leaves hears nothing more; the others do.
	if err := first.Leave(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := second.Call(t.Context(), Say, said{Text: "alone again"}); err != nil {
		t.Error(err)
	}
	if text := next(t, "what was said", two); text != "alone again" || len(one) > 0 {
		t.Errorf("heard %q, and the part that left %d", text, len(one))
	}
	if err := errors.Join(first.Leave(t.Context()), second.Leave(t.Context())); err != nil {
		t.Error(err)
	}
	next(t, "the end of the conversation", second.Done())
	if w := joinPart(t, s.Share("room:1", nil)); w.Joins != 2 {
		t.Errorf("a part behind the last one joined with %v", w)
	}
}

func TestPartsThatDoNotFit(t *testing.T) {
	a := newApp(t, appOptions{join: func(_ context.Context, topic string, _ joining) error {
		if topic == "private" {
			return &roost.Error{Reason: "unauthorized"}
		}
		return nil
	}})
	s := dial(t, a.start(t), client.Options{})
	part := s.Share("room:1", nil)
	joinPart(t, part)
	if _, err := part.Join[welcome](t.Context(), nil); err == nil || !strings.Contains(err.Error(), "joined before") {
		t.Errorf("a second join: %v", err)
	}
	if _, err := s.Share("room:1", nil).Join[welcome](t.Context(), joining{"bob"}); err == nil || !strings.Contains(err.Error(), "other parameters") {
		t.Errorf("a join with other parameters: %v", err)
	}
	if _, err := s.Channel("room:1", nil).Join[welcome](t.Context(), nil); err == nil || !strings.Contains(err.Error(), "leave that one first") {
		t.Errorf("a channel of its own: %v", err)
	}
	if _, err := s.Share("room:1", nil).Join[int](t.Context(), joining{"ada"}); err == nil || !strings.Contains(err.Error(), "the reply to the join") {
		t.Errorf("a reply that does not fit: %v", err)
	}
	left := s.Share("room:1", nil)
	if err := left.Leave(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := left.Join[welcome](t.Context(), joining{"ada"}); !errors.Is(err, client.ErrClosed) {
		t.Errorf("a join behind the leave: %v", err)
	}
	if _, err := part.Call(t.Context(), Greet, said{}); err != nil {
		t.Errorf("none of that concerns the part that is joined: %v", err)
	}

	// What the server says of the conversation it says to all parts, and who comes then begins anew.
	parts := []*client.Shared{s.Share("private", nil), s.Share("private", nil)}
	for _, p := range parts {
		if _, err := p.Join[welcome](t.Context(), joining{"ada"}); err == nil || !strings.Contains(err.Error(), "unauthorized") {
			t.Errorf("a join that is refused: %v", err)
		}
	}
	if _, err := part.Call(t.Context(), Finish, roost.Ack{}); err != nil {
		t.Error(err)
	}
	next(t, "the end", part.Done())
	if !errors.Is(part.Err(), client.ErrEnded) {
		t.Errorf("it ended with %v", part.Err())
	}
	joinPart(t, s.Share("room:1", nil))
	shut(t, s)
	if _, err := s.Share("room:2", nil).Join[welcome](t.Context(), nil); !errors.Is(err, client.ErrClosed) {
		t.Errorf("on a socket that is closed: %v", err)
	}
}

// A part that gives up waiting does not give up for the others.
func TestPartThatIsImpatient(t *testing.T) {
	release := make(chan struct{})
	wait := func(context.Context, string, joining) error { <-release; return nil }
	s := dial(t, newApp(t, appOptions{join: wait}).start(t), client.Options{})
	patient := s.Share("room:1", nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Share("room:1", nil).Join[welcome](ctx, joining{"ada"}); !errors.Is(err, context.Canceled) {
		t.Errorf("join: %v", err)
	}
	close(release)
	if w := joinPart(t, patient); w.Joins != 1 {
		t.Errorf("joined with %v", w)
	}
}

// All parts are told of interruptions, and of what was missed.
func TestPartsThatAreInterrupted(t *testing.T) {
	a := newApp(t, appOptions{})
	s := dial(t, a.start(t), client.Options{})
	told := make(chan string, 10)
	for n := range 2 {
		p := s.Share("room:1", nil)
		p.OnError(func(context.Context, error) { told <- fmt.Sprint("error ", n) })
		p.OnRejoin(func(context.Context, welcome) { told <- fmt.Sprint("rejoin ", n) })
		joinPart(t, p)
		if n == 1 {
			_ = p.Push(t.Context(), Crash, roost.Ack{})
		}
	}
	for _, want := range []string{"error 0", "error 1", "rejoin 0", "rejoin 1"} {
		if got := next(t, want, told); got != want {
			t.Errorf("told of %q, want %q", got, want)
		}
	}
}

// A part that comes later knows who is there, without being told.
func TestPresenceOfAPartThatComesLater(t *testing.T) {
	a, server := watchers(t)
	url := a.start(t)
	s := dial(t, url, client.Options{})
	first := s.Share("watch:1", nil)
	if _, err := first.Join[roost.Ack](t.Context(), visiting{"ada", "desk"}); err != nil {
		t.Fatal(err)
	}
	bob := visit(t, url, client.Options{}, "bob", "tv")
	eventually(t, "bob", func() bool { return hasKey(server, "bob") })
	wantLines(t, bob.diary, 0, "bob joined on tv: tv", "ada joined on desk: desk")
	if _, err := first.Call(t.Context(), Type, roost.Ack{}); err != nil { // behind which the first part has heard of bob
		t.Error(err)
	}
	wantLines(t, bob.diary, 2, "ada typing on desk: false, then true")

	late := s.Share("watch:1", nil)
	who := late.Presence[viewer]()
	d := present(who)
	if _, err := late.Join[roost.Ack](t.Context(), visiting{"ada", "desk"}); err != nil {
		t.Fatal(err)
	}
	wantAgreement(t, &visitor{Socket: s, there: who}, server)
	before := len(d.read())
	bob.call(t, Hide)
	wantLines(t, d, before, "bob left on tv: ")
	if e, ok := who.Get("ada"); !ok || !e.Metas[0].Value.Typing {
		t.Errorf("ada is %v", e)
	} else if p, err := e.Extra[profile](); err != nil || p.Name != "ADA" {
		t.Errorf("her profile is %v, %v", p, err)
	}
}

// Who is there may be asked at any time, while a part joins too.
func TestPresenceOfAPartThatIsJoining(t *testing.T) {
	a, _ := watchers(t)
	s := dial(t, a.start(t), client.Options{})
	first := s.Share("watch:1", nil)
	there := first.Presence[viewer]()
	if _, err := first.Join[roost.Ack](t.Context(), visiting{"ada", "desk"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "ada", func() bool { return there.Count() == 1 })
	for range 20 {
		late := s.Share("watch:1", nil)
		who := late.Presence[viewer]()
		var asking sync.WaitGroup
		asking.Go(func() { eventually(t, "ada", func() bool { return who.Count() == 1 }) })
		if _, err := late.Join[roost.Ack](t.Context(), visiting{"ada", "desk"}); err != nil {
			t.Fatal(err)
		}
		asking.Wait()
	}
}

// Parts that come and go at random: each hears all that is said while it is there, in order, and the topic is left when nobody is.
func TestPartsThatComeAndGo(t *testing.T) {
	a := newApp(t, appOptions{})
	s := dial(t, a.start(t), client.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	var parts, speaking sync.WaitGroup
	speaking.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			if err := Number.Broadcast(t.Context(), a.ps, "room:1", number{n}); err != nil {
				t.Error(err)
			}
			<-time.After(50 * time.Microsecond)
		}
	})
	for range 8 {
		parts.Go(func() {
			for range 30 {
				comeAndGo(t, s)
			}
		})
	}
	parts.Wait()
	cancel()
	speaking.Wait()
	join(t, s.Channel("room:1", nil)) // which nobody holds any more
}

func comeAndGo(t *testing.T, s *client.Socket) {
	p := s.Share("room:1", nil)
	last, enough := -1, make(chan struct{})
	p.On(Number, func(_ context.Context, v number) {
		if last >= 0 && v.N != last+1 {
			t.Errorf("heard %d behind %d", v.N, last)
		}
		if last = v.N; last%5 == 0 {
			select {
			case enough <- struct{}{}:
			default:
			}
		}
	})
	if _, err := p.Join[welcome](t.Context(), joining{"ada"}); err != nil {
		t.Error(err)
	}
	select {
	case <-enough:
	case <-time.After(patience):
		t.Error("nothing was heard")
	}
	if err := p.Leave(t.Context()); err != nil {
		t.Error(err)
	}
}

package client_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/internal/ws"
)

// What is on the wire of pushes that are to take effect once (spec/protocol.md §21).

// lives hands a test each connection of a client, whose join it answers by hand.
func lives(t *testing.T) (socketURL string, next func() *life) {
	t.Helper()
	connections := make(chan *life)
	url := listenRaw(t, func(p *peer) {
		if p.accept() != nil {
			return
		}
		l := &life{t: t, peer: p, over: make(chan struct{})}
		select {
		case connections <- l:
			<-l.over
		case <-t.Context().Done():
		}
	})
	return url, func() *life {
		t.Helper()
		select {
		case l := <-connections:
			t.Cleanup(l.end)
			return l
		case <-t.Context().Done():
			t.Fatal("no connection came")
			return nil
		}
	}
}

// life is a connection.
type life struct {
	*peer

	t       *testing.T
	over    chan struct{}
	ended   bool
	joinRef []byte
}

func (l *life) end() {
	if !l.ended {
		l.ended = true
		close(l.over)
	}
}

// message is the next of the client.
func (l *life) message() ws.Message {
	l.t.Helper()
	f, err := l.next()
	if err != nil {
		l.t.Fatal(err)
	}
	m, err := ws.Split(f.Payload)
	if err != nil {
		l.t.Fatal(err)
	}
	return m
}

// join wants the client to join with params.
func (l *life) join(params, response string) {
	l.t.Helper()
	m := l.message()
	if string(m.Payload) != params {
		l.t.Errorf("joined with %s, want %s", m.Payload, params)
	}
	l.joinRef = m.JoinRef
	l.answer(m.Ref, "ok", response)
}

func (l *life) answer(ref []byte, status, response string) {
	l.text(fmt.Sprintf(`[%s,%s,"t","phx_reply",{"status":%q,"response":%s}]`, l.joinRef, ref, status, response))
}

// push wants the next push to be of a task with a mark, and returns its ref.
func (l *life) push(n, id, done int) (ref []byte) {
	l.t.Helper()
	m := l.message()
	if want := fmt.Sprintf(`{"_once":{"id":%d,"done":%d},"N":%d,"How":""}`, id, done, n); string(m.Payload) != want || string(m.JoinRef) != string(l.joinRef) {
		l.t.Fatalf("got the push %s in %s, want %s in %s", m.Payload, m.JoinRef, want, l.joinRef)
	}
	return m.Ref
}

// joinRaw joins "t" of a peer.
func joinRaw(t *testing.T, url string) (*client.Channel, <-chan error) {
	t.Helper()
	ch := dial(t, url, client.Options{}).Channel("t", &client.ChannelOptions{Outbox: 100})
	joined := make(chan error, 1)
	go func() {
		_, err := ch.Join[roost.Ack](t.Context(), nil)
		joined <- err
	}()
	return ch, joined
}

func wantOutcome(t *testing.T, what string, result <-chan outcome, n int, target error) {
	t.Helper()
	got := next(t, what, result)
	if got.n != n || !errors.Is(got.err, target) {
		t.Errorf("%s brought %v, want %d, %v", what, got, n, target)
	}
}

func TestMarksOnTheWire(t *testing.T) {
	url, connect := lives(t)
	ch, joined := joinRaw(t, url)
	l := connect()
	l.join(`{"_once":true}`, `{"_once":{"session":"s"}}`)
	if err := next(t, "the join", joined); err != nil {
		t.Fatal(err)
	}
	results := make([]<-chan outcome, 41)
	refs := make([][]byte, 41)
	call := func(n int) { results[n] = start(t.Context(), ch, task{N: n}) }
	for n := 1; n <= 32; n++ {
		call(n)
		refs[n] = l.push(n, n, 0)
	}
	call(33) // which waits for another to be answered
	l.answer(refs[2], "ok", `{"N":2}`)
	wantOutcome(t, "the second", results[2], 2, nil)
	refs[33] = l.push(33, 33, 0)
	l.answer(refs[1], "ok", `{"N":1}`)
	wantOutcome(t, "the first", results[1], 1, nil)
	call(34)
	l.push(34, 34, 2)
	l.end()

	l = connect()
	l.join(`{"_once":{"session":"s"}}`, `{"_once":{"session":"moved","kept":true}}`)
	for n := 3; n <= 34; n++ {
		refs[n] = l.push(n, n, 2)
	}
	l.answer(refs[3], "error", `{"reason":"outcome_unknown"}`)
	wantOutcome(t, "the third", results[3], 0, client.ErrOutcomeUnknown)
	l.end()

	l = connect()
	l.join(`{"_once":{"session":"moved"}}`, `{"_once":{"session":"new","kept":false}}`)
	for n := 4; n <= 34; n++ {
		wantOutcome(t, fmt.Sprint("call ", n), results[n], 0, client.ErrOutcomeUnknown)
	}
	call(35)
	l.answer(l.push(35, 35, 34), "ok", `{"N":35}`)
	wantOutcome(t, "a call in the new session", results[35], 35, nil)
}

func TestMarkOfBytesOnTheWire(t *testing.T) {
	url, connect := lives(t)
	ch, _ := joinRaw(t, url)
	l := connect()
	l.join(`{"_once":true}`, `{"_once":{"session":"s"}}`)
	go func() { _, _ = ch.CallOnce(t.Context(), Bytes, []byte("data")) }()
	f, err := l.next()
	jr := l.joinRef[1 : len(l.joinRef)-1]
	want := fmt.Sprintf("\x07%c\x01\x01\x05\x11%s", len(jr), jr)
	const rest = "tbytes{\"id\":1,\"done\":0}data"
	if err != nil || f.Op != ws.Binary || len(f.Payload) != len(want)+1+len(rest) ||
		string(f.Payload[:len(want)]) != want || string(f.Payload[len(want)+1:]) != rest {
		t.Errorf("got %q, %v", f.Payload, err)
	}
}

// What was not handled is sent again, in its order, and the caller does not see it.
func TestPushThatWasNotHandledIsSentAgain(t *testing.T) {
	url, connect := lives(t)
	ch, _ := joinRaw(t, url)
	l := connect()
	l.join(`{"_once":true}`, `{"_once":{"session":"s"}}`)
	first := start(t.Context(), ch, task{N: 1})
	ref := l.push(1, 1, 0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	second := start(ctx, ch, task{N: 2})
	l.answer(l.push(2, 2, 0), "error", `{"reason":"busy","_once":"again"}`)
	l.answer(ref, "error", `{"_once":"again","reason":"busy"}`)
	ref, again := l.push(1, 1, 0), l.push(2, 2, 0)
	l.answer(ref, "ok", `{"N":1}`)
	wantOutcome(t, "the first", first, 1, nil)
	l.answer(again, "error", `{"reason":"unmatched topic","_once":"again"}`)
	l.text(`[null,null,"t","phx_error",{}]`)
	m := l.message()
	if string(m.Payload) != `{"_once":{"session":"s"}}` {
		t.Fatalf("rejoined with %s", m.Payload)
	}
	cancel() // while it is known to have had no effect
	got := next(t, "the second", second)
	if !errors.Is(got.err, context.Canceled) || errors.Is(got.err, client.ErrInterrupted) {
		t.Errorf("a call that was not handled, withdrawn: %v", got.err)
	}
}

// Nobody waits any more for a call whose context ended: it is not sent again, and is done with.
func TestWithdrawnPushIsNotSentAgain(t *testing.T) {
	url, connect := lives(t)
	ch, _ := joinRaw(t, url)
	l := connect()
	l.join(`{"_once":true}`, `{"_once":{"session":"s"}}`)
	ctx, cancel := context.WithCancel(t.Context())
	first := start(ctx, ch, task{N: 1})
	ref := l.push(1, 1, 0)
	second := start(t.Context(), ch, task{N: 2})
	l.push(2, 2, 0)
	cancel()
	wantOutcome(t, "the first", first, 0, client.ErrInterrupted)
	l.answer(ref, "ok", `{"N":1}`) // too late
	l.end()
	l = connect()
	l.join(`{"_once":{"session":"s"}}`, `{"_once":{"session":"s","kept":true}}`)
	l.answer(l.push(2, 2, 1), "ok", `{"N":2}`)
	wantOutcome(t, "the second", second, 2, nil)
}

func TestServerThatTakesNoMarks(t *testing.T) {
	url, connect := lives(t)
	ch, joined := joinRaw(t, url)
	l := connect()
	l.join(`{"_once":true}`, `{}`)
	if err := next(t, "the join", joined); err != nil {
		t.Errorf("the join: %v", err)
	}
	if _, err := ch.CallOnce(t.Context(), Do, task{}); !errors.Is(err, client.ErrOnceUnsupported) || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("do: %v", err)
	}
	l.end()

	l = connect() // to one that does,
	l.join(`{"_once":true}`, `{"_once":{"session":"s"}}`)
	eventually(t, "the rejoin", ch.Joined)
	sent := start(t.Context(), ch, task{N: 1})
	l.push(1, 1, 0)
	l.end()

	l = connect() // and back
	l.join(`{"_once":{"session":"s"}}`, `"no object"`)
	wantOutcome(t, "what was sent", sent, 0, client.ErrOutcomeUnknown)
	if _, err := ch.CallOnce(t.Context(), Do, task{}); !errors.Is(err, client.ErrOnceUnsupported) {
		t.Errorf("do: %v", err)
	}
}

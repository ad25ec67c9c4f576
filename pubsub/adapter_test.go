package pubsub_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/roost-dev/roost/pubsub"
)

// wire is an adapter that notes what it is told, but for what nodes say to
// each other by themselves.
type wire struct {
	receiver pubsub.Receiver

	mu        sync.Mutex // guards what follows
	interests []string
	published []*pubsub.Envelope
	settled   int
	err       error
}

func (w *wire) Start(r pubsub.Receiver) error {
	w.receiver = r
	return w.failure()
}

func (w *wire) Interest(subject string, wanted bool) {
	if !strings.HasPrefix(subject, "t:") && !strings.HasPrefix(subject, "i:") {
		return
	}
	sign := "-"
	if wanted {
		sign = "+"
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.interests = append(w.interests, sign+subject)
}

func (w *wire) Settle(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settled++
	return w.err
}

func (w *wire) Publish(_ context.Context, e *pubsub.Envelope) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Kind != pubsub.KindNode {
		w.published = append(w.published, e)
	}
	return w.err
}

func (*wire) Health() pubsub.Health {
	return pubsub.Health{State: pubsub.StateUp, Engine: "wire", Peers: []string{"peer"}}
}

func (w *wire) Close(context.Context) error { return w.failure() }

// fail has all that is asked of the adapter fail from now on.
func (w *wire) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

func (w *wire) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func on(t *testing.T, w *wire, logger *slog.Logger) *pubsub.PubSub {
	t.Helper()
	ps, err := pubsub.New(&pubsub.Options{Adapter: w, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ps.Close(context.Background()) }) // again, where the test did
	return ps
}

func TestTheAdapterLearnsWhenANameGetsItsFirstAndLosesItsLast(t *testing.T) {
	var w wire
	ps := on(t, &w, nil)
	a, b := ps.Subscribe("room", &ear{}), ps.Subscribe("room", &ear{})
	r := ps.Register("room", &orders{})
	a.Unsubscribe()
	a.Unsubscribe()
	b.Unsubscribe()
	c := ps.Subscribe("room", &ear{})
	r.Unregister()
	c.Unsubscribe()
	want := []string{"+t:room", "+i:634", "-t:room", "+t:room", "-i:634", "-t:room"}
	if !slices.Equal(w.interests, want) {
		t.Errorf("the adapter was told %q, want %q", w.interests, want)
	}
}

func TestWhatIsPublishedIsInItsEnvelope(t *testing.T) {
	var w wire
	ps := on(t, &w, nil)
	own := ps.Subscribe("room", &ear{})
	broadcast(t, ps, &pubsub.Message{Topic: "room", Event: "e", Payload: []byte{0}, Binary: true, From: own})
	ps.BroadcastLocal(&pubsub.Message{Topic: "room", Event: "local"})
	for _, err := range []error{ps.Kick(t.Context(), "user:7", "room", "rude"), ps.Disconnect(t.Context(), "user:7")} {
		if err != nil {
			t.Error(err)
		}
	}
	want := []pubsub.Envelope{
		{Subject: "t:room", Kind: pubsub.KindMessage, Topic: "room", Event: "e", Payload: []byte{0}, Binary: true},
		{Subject: "i:61", Kind: pubsub.KindKick, ID: "user:7", Topic: "room", Reason: "rude"},
		{Subject: "i:61", Kind: pubsub.KindDisconnect, ID: "user:7"},
	}
	if len(w.published) != len(want) {
		t.Fatalf("published %d envelopes, want %d", len(w.published), len(want))
	}
	for i, e := range w.published {
		if !bytes.Equal(e.Payload, want[i].Payload) {
			t.Errorf("envelope %d has the payload %v", i, e.Payload)
		}
		got := *e
		got.Payload, want[i].Payload = nil, nil
		if !equal(got, want[i]) {
			t.Errorf("published %+v, want %+v", got, want[i])
		}
	}
}

// equal compares envelopes but for their payload.
func equal(a, b pubsub.Envelope) bool {
	return a.Subject == b.Subject && a.Kind == b.Kind && a.Topic == b.Topic &&
		a.Event == b.Event && a.Binary == b.Binary && a.ID == b.ID && a.Reason == b.Reason
}

func TestWhatOtherNodesSendIsDeliveredHereOnly(t *testing.T) {
	var w wire
	var log bytes.Buffer
	ps := on(t, &w, slog.New(slog.NewTextHandler(&log, nil)))
	var e ear
	var o orders
	ps.Subscribe("room", &e)
	ps.Register("user:7", &o)
	w.receiver.Receive(&pubsub.Envelope{Subject: "t:room", Kind: pubsub.KindMessage, Topic: "room", Event: "far"})
	w.receiver.Receive(&pubsub.Envelope{Subject: "i:61", Kind: pubsub.KindDisconnect, ID: "user:7"})
	w.receiver.Receive(&pubsub.Envelope{Subject: "t:room", Kind: 99, Topic: "room", Event: "unknown"})
	w.receiver.Receive(&pubsub.Envelope{Subject: "t:gone", Kind: pubsub.KindMessage, Topic: "gone", Event: "late"})
	expect(t, "the subscriber", &e, "far")
	if !slices.Equal(o.got, []pubsub.Command{{Kind: pubsub.KindDisconnect, ID: "user:7"}}) {
		t.Errorf("the socket got %+v", o.got)
	}
	if len(w.published) != 0 {
		t.Errorf("what came from other nodes was published again: %+v", w.published)
	}
	if !strings.Contains(log.String(), "kind=99") {
		t.Errorf("an unknown kind is not in the log: %s", &log)
	}
}

func TestTroubleOfTheAdapterIsToldAndLocalDeliveryGoesOn(t *testing.T) {
	trouble := errors.New("no network")
	if _, err := pubsub.New(&pubsub.Options{Adapter: &wire{err: trouble}}); !errors.Is(err, trouble) {
		t.Errorf("New: %v", err)
	}
	var w wire
	ps := on(t, &w, nil)
	w.fail(trouble)
	var e ear
	var o orders
	ps.Subscribe("room", &e)
	ps.Register("user:7", &o)
	for name, err := range map[string]error{
		"Broadcast":  ps.Broadcast(t.Context(), &pubsub.Message{Topic: "room", Event: "near"}),
		"Disconnect": ps.Disconnect(t.Context(), "user:7"),
		"Close":      ps.Close(t.Context()),
	} {
		if !errors.Is(err, trouble) {
			t.Errorf("%s: %v", name, err)
		}
	}
	expect(t, "the subscriber", &e, "near")
	if len(o.got) != 1 {
		t.Errorf("the socket got %+v", o.got)
	}
}

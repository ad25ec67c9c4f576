package redis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

func frameOf(p history.Position, e *history.Event) string {
	return fmt.Sprintf("%s%s %d %s", keptMark, p.Epoch, p.Seq, appendEvent(nil, e))
}

func TestFramesComeBack(t *testing.T) {
	for _, e := range []history.Event{
		{Name: "said", Payload: []byte(`{"body":" "}`)},
		{Name: "said", Payload: []byte(" \x00\xff"), Binary: true, Sender: "session"},
		{},
		{Name: strings.Repeat("n", 300), Sender: strings.Repeat("s", 70000)},
	} {
		p := history.Position{Epoch: "e-_1", Seq: 1 << 40}
		got, err := parseFrame(frameOf(p, &e))
		want := &pubsub.Envelope{
			Kind: pubsub.KindKept, Event: e.Name, Payload: e.Payload, Binary: e.Binary, ID: e.Sender, Position: p, Previous: p.Seq - 1,
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("error %v, -want +got:\n%s", err, diff)
		}
	}
}

func TestWhatIsNoFrameIsRefused(t *testing.T) {
	event := string(appendEvent(nil, &history.Event{Name: "e"}))
	for _, s := range []string{
		"", "+", "+e", "+e 1", "+e 1 ", "e 1 " + event, "+ 1 " + event, "+e 0 " + event, "+e -1 " + event, "+e x " + event,
		"+e 18446744073709551616 " + event, "+e 1 \x02\x00\x00", "+e 1 \x00\x05ab", "+e 1 \x00\x00", "+e 1 \x00\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
	} {
		if e, err := parseFrame(s); err == nil {
			t.Errorf("%q is read as %+v", s, e)
		}
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(frameOf(history.Position{Epoch: "epoch", Seq: 7}, &history.Event{Name: "said", Payload: []byte(`{}`)}))
	f.Add(frameOf(history.Position{Epoch: "epoch", Seq: 1}, &history.Event{Name: "b", Payload: []byte{0}, Binary: true, Sender: "s"}))
	f.Add("+e 1 \x00\xff\xff\xff\xff\x0f")
	f.Fuzz(func(t *testing.T, s string) {
		e, err := parseFrame(s)
		if err != nil {
			return
		}
		if e.Position.Seq != e.Previous+1 || len(e.Event)+len(e.ID)+len(e.Payload) > len(s) {
			t.Fatalf("%q is read as %+v", s, e)
		}
		again, err := parseFrame(frameOf(e.Position, &history.Event{Name: e.Event, Payload: e.Payload, Binary: e.Binary, Sender: e.ID}))
		if diff := cmp.Diff(e, again, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Fatalf("error %v, -first +second:\n%s", err, diff)
		}
	})
}

func FuzzChannel(f *testing.F) {
	for _, s := range []string{"t:room", "t:{a}", "t:a}", "t:{}", "%", "%7B", "%257B", "}{", "\xff{\x00"} {
		f.Add(s)
	}
	c := &config{prefix: defaultPrefix}
	f.Fuzz(func(t *testing.T, s string) {
		channel := c.channel(s)
		if back, ok := c.subject(channel); !ok || back != s {
			t.Errorf("%q has channel %q, and that is of %q", s, channel, back)
		}
		for _, key := range c.logKeys(s) {
			if slotOf(key) != slotOf(c.channel(pubsub.TopicSubject(s))) {
				t.Errorf("key %q of topic %q is in another slot than its channel", key, s)
			}
		}
	})
}

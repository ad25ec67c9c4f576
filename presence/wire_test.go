package presence_test

import (
	"encoding/json/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

type step struct {
	Conn string `json:"conn"`
	Dir  string `json:"dir"`
	Kind string `json:"kind"`
	Data string `json:"data"`
	Note string `json:"note"`
}

type status struct {
	OnlineAt string `json:"online_at"`
	Status   string `json:"status,omitempty"`
}

// What clients do in the recorded exchange is done here with a tracker, and
// each of them must get what it got from Phoenix.
func TestPresenceMessagesAreThoseOfPhoenix(t *testing.T) {
	file, err := os.ReadFile("../spec/transcripts/24_presence.json")
	if err != nil {
		t.Fatal(err)
	}
	var steps []step
	if err := json.Unmarshal(file, &steps); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ps := pubsub.Local()
		r := &replay{
			t:       t,
			ps:      ps,
			p:       presence.New[status](ps, &presence.Options[status]{Window: -1}),
			joined:  make(map[string]*conversation),
			got:     make(map[string][]string),
			onlines: onlines(steps),
		}
		want := make(map[string][]string)
		for _, s := range steps {
			if s.Dir == "recv" && strings.Contains(s.Data, `"presence_`) {
				event, payload := parse(t, s)
				want[s.Conn] = append(want[s.Conn], event+" "+encode(t, payload))
			}
			r.act(s)
		}
		for conn := range r.joined {
			r.collect(conn)
		}
		if len(want) != 4 {
			t.Fatalf("the transcript has presence messages for %d connections, want 4", len(want))
		}
		// Refs differ from run to run: each connection's are numbered in the
		// order in which it saw them.
		for conn := range want {
			got, want := numbered(r.got[conn]), numbered(want[conn])
			if !slices.Equal(got, want) {
				t.Errorf("connection %s got\n%s\nfrom Phoenix it got\n%s",
					conn, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	})
}

type replay struct {
	t       *testing.T
	ps      *pubsub.PubSub
	p       *presence.Presence[status]
	joined  map[string]*conversation
	got     map[string][]string
	onlines []string // of each join in turn
}

func (r *replay) act(s step) {
	defer synctest.Wait()
	if s.Dir == "note" && s.Note == "A's TCP cut" {
		r.leave("A")
	}
	if s.Dir != "send" {
		return
	}
	event, payload := parse(r.t, s)
	ctx, c := r.t.Context(), r.joined[s.Conn]
	var err error
	switch event {
	case "phx_join":
		r.join(s.Conn, payload["user"].(string))
	case "phx_leave", "crash":
		r.leave(s.Conn)
	case "status":
		err = r.p.Update(ctx, c, users[s.Conn], func(m status) status {
			m.Status = payload["status"].(string)
			return m
		})
	case "untrack":
		err = r.p.Untrack(ctx, c, users[s.Conn])
	}
	if err != nil {
		r.t.Error(err)
	}
}

var users = map[string]string{"A": "ann", "B": "bob", "C": "ann", "V": "old"}

func (r *replay) join(conn, user string) {
	c := knock(r.ps, "room:p")
	if err := r.p.Track(r.t.Context(), c, user, status{OnlineAt: r.onlines[0]}); err != nil {
		r.t.Error(err)
	}
	if err := r.p.PushState(r.t.Context(), c); err != nil {
		r.t.Error(err)
	}
	r.onlines = r.onlines[1:]
	r.joined[conn] = c
	c.accept()
}

func (r *replay) leave(conn string) {
	c := r.joined[conn]
	c.end()
	r.collect(conn)
	delete(r.joined, conn)
}

func (r *replay) collect(conn string) {
	for _, m := range r.joined[conn].received() {
		var payload any
		if err := json.Unmarshal([]byte(m.payload), &payload); err != nil {
			r.t.Error(err)
		}
		r.got[conn] = append(r.got[conn], m.event+" "+encode(r.t, payload))
	}
}

// onlines returns the online_at that each join got, in order.
func onlines(steps []step) []string {
	var found []string
	pattern := regexp.MustCompile(`"presence_diff".*"joins":.*"online_at":"(\d+)","phx_ref":"[^"]*"}\]}},"leaves":{}}`)
	for _, s := range steps {
		m := pattern.FindStringSubmatch(s.Data)
		if s.Dir == "recv" && m != nil && !slices.Contains(found, m[1]) {
			found = append(found, m[1])
		}
	}
	return found
}

// parse reads a message of either version of the protocol.
func parse(t *testing.T, s step) (event string, payload object) {
	var v1 struct {
		Topic, Event string
		Payload      object
	}
	if s.Conn == "V" {
		if err := json.Unmarshal([]byte(s.Data), &v1, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
		return v1.Event, v1.Payload
	}
	var v2 []any
	if err := json.Unmarshal([]byte(s.Data), &v2); err != nil {
		t.Fatal(err)
	}
	payload, _ = v2[4].(object)
	return v2[3].(string), payload
}

// numbered replaces the refs in messages by numbers.
func numbered(messages []string) []string {
	refs := make(map[string]string)
	pattern := regexp.MustCompile(`"phx_ref(_prev)?":"([A-Za-z0-9_-]{16})"`)
	out := make([]string, len(messages))
	for i, m := range messages {
		out[i] = pattern.ReplaceAllStringFunc(m, func(field string) string {
			ref := pattern.FindStringSubmatch(field)[2]
			if refs[ref] == "" {
				refs[ref] = string(rune('1' + len(refs)))
			}
			return strings.Replace(field, ref, refs[ref], 1)
		})
	}
	return out
}

func TestMessagesAreValidWhateverTheKeyAndTheMeta(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := pubsub.Local()
		p := presence.New[map[string]any](ps, nil)
		c := join(ps, "room")
		for _, key := range []string{"__proto__", `"quoted"`, "new\nline", "ключ", "\u2028", "a\\b", " "} {
			if err := p.Track(t.Context(), c, key, map[string]any{}); err != nil {
				t.Fatal(err)
			}
			if err := p.Track(t.Context(), join(ps, "room"), key, map[string]any{"k": key}); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.PushState(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		cl := client{t: t}
		for _, m := range c.received() {
			cl.take(m)
		}
		if want := listed(t, p.List("room")); len(want) != 14 || len(cl.metas()) != 14 {
			t.Errorf("client has %v, listed are %v", cl.metas(), want)
		}
	})
}

package roost_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/roosttest"
	"github.com/roost-dev/roost/token"
)

// An application that uses everything that users live in, each thing once.

type (
	account         struct{ ID, Name string }
	video           struct{ ID string }
	annotationInput struct {
		At   int    `json:"at"`
		Body string `json:"body"`
	}
	annotation struct {
		By   string `json:"by"`
		Body string `json:"body"`
	}
	typingOn     struct{ On bool }
	announcement struct{ Text string }
	receiptInput struct{}
	receipt      struct{ Number int }
	joinVideo    struct{ LastSeenID int }
	joinedVideo  struct{ Annotations []annotation }
	viewerMeta   struct{ OnlineAt time.Time }
	idleFor      time.Duration
)

var (
	NewAnnotation = roost.NewIn[annotationInput, roost.Ack]("new_annotation")
	Typing        = roost.NewIn[typingOn, roost.NoReply]("typing")
	Order         = roost.NewIn[receiptInput, receipt]("order")
	Annotated     = roost.NewOut[annotation]("annotation_added")
	Announced     = roost.NewOut[announcement]("announced")
)

type videoConversation struct {
	viewer account
	video  video
}

type site struct {
	ps      *pubsub.PubSub
	tokens  *token.Signer[int64]
	viewers *presence.Presence[viewerMeta]

	mu     sync.Mutex // guards what follows
	orders []*roost.Later[receipt]
	ends   []roost.Reason
}

func newSite(ps *pubsub.PubSub, secret string) (*site, *roost.Server[account]) {
	app := &site{ps: ps}
	app.tokens = token.NewSigner[int64](secret, "user socket", &token.Options{MaxAge: 14 * 24 * time.Hour})
	app.viewers = presence.New[viewerMeta](ps, &presence.Options[viewerMeta]{Fetch: app.usernames, OnChange: app.counted})

	videos := roost.NewHandler(app.join, nil)
	videos.HandleIn(NewAnnotation, app.newAnnotation)
	videos.HandleIn(Typing, app.typing)
	videos.HandleIn(Order, app.order)
	videos.HandleInfo(app.idle)
	videos.HandleEvent(Announced, app.announced)
	videos.HandleOut(Annotated, app.hideMuted)
	videos.Emits(Annotated, Announced)
	videos.OnTerminate(app.left)

	proxies := roost.NewHandler(app.joinProxy, &roost.HandlerOptions{})
	proxies.HandleAny(app.pass)
	proxies.HandleOutAny(app.passOut)

	server := roost.NewServer(app.connect, &roost.Options[account]{
		PubSub: ps,
		Secret: secret,
		ID:     func(u account) string { return "user:" + u.ID },
	})
	server.Handle("videos:{id}", videos)
	server.Handle("proxy:*", proxies)
	http.NewServeMux().Handle("/socket/", server)
	return app, server
}

func (a *site) connect(_ context.Context, r *roost.ConnectRequest) (account, error) {
	id, err := a.tokens.Verify(r.Param("token"))
	if err != nil || id != 7 {
		return account{}, &roost.Error{Reason: "unauthorized", Cause: err}
	}
	return account{ID: "7", Name: "Ada"}, nil
}

func (a *site) join(ctx context.Context, ch *roost.Channel[videoConversation], s *roost.Socket[account], p joinVideo) (joinedVideo, error) {
	ch.State = videoConversation{viewer: s.Assigns, video: video{ID: ch.Param("id")}}
	ch.Subscribe("announcements")
	ch.SendAfter(idleFor(time.Minute), time.Minute)
	err := errors.Join(
		a.viewers.Track(ctx, ch, s.Assigns.ID, viewerMeta{OnlineAt: time.Now()}),
		a.viewers.PushState(ctx, ch),
	)
	return joinedVideo{Annotations: []annotation{{By: "Bob", Body: "first"}}}, err
}

func (a *site) newAnnotation(ctx context.Context, ch *roost.Channel[videoConversation], p annotationInput) (roost.Ack, error) {
	return roost.Ack{}, ch.Broadcast(ctx, Annotated, annotation{By: ch.State.viewer.Name, Body: p.Body})
}

func (a *site) typing(ctx context.Context, ch *roost.Channel[videoConversation], p typingOn) (roost.NoReply, error) {
	return roost.NoReply{}, a.viewers.Update(ctx, ch, ch.State.viewer.ID, func(m viewerMeta) viewerMeta { return m })
}

func (a *site) order(_ context.Context, ch *roost.Channel[videoConversation], _ receiptInput) (receipt, error) {
	later := roost.Defer[receipt](ch)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.orders = append(a.orders, later)
	return receipt{}, roost.ErrLater
}

func (a *site) idle(ctx context.Context, ch *roost.Channel[videoConversation], d idleFor) error {
	return ch.Push(ctx, Announced, announcement{Text: "still there after " + time.Duration(d).String() + "?"})
}

func (a *site) announced(ctx context.Context, ch *roost.Channel[videoConversation], topic string, v announcement) error {
	return ch.Push(ctx, Announced, announcement{Text: topic + ": " + v.Text})
}

func (a *site) hideMuted(_ context.Context, ch *roost.Channel[videoConversation], v annotation) (annotation, bool, error) {
	return v, v.By != "Mallory", nil
}

func (a *site) left(_ context.Context, ch *roost.Channel[videoConversation], why roost.Reason) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ends = append(a.ends, why)
}

func (a *site) joinProxy(context.Context, *roost.Channel[struct{}], *roost.Socket[account], roost.Payload) (roost.Ack, error) {
	return roost.Ack{}, nil
}

func (a *site) pass(_ context.Context, ch *roost.Channel[struct{}], m *roost.Message) error {
	if m.Event != "later" {
		return m.Reply("ok", roost.Payload{Data: m.Payload, Binary: m.Binary})
	}
	later := m.Later()
	ch.Go(func(context.Context) (any, error) { return nil, later.Fail(&roost.Error{Reason: "never"}) })
	return roost.ErrLater
}

func (a *site) passOut(_ context.Context, _ *roost.Channel[struct{}], m *roost.Message) (bool, error) {
	m.Event = "passed_" + m.Event
	return true, nil
}

func (a *site) usernames(context.Context, string, map[string]presence.Entry[viewerMeta]) (map[string]any, error) {
	return map[string]any{"7": map[string]any{"name": "Ada"}}, nil
}

func (a *site) counted(context.Context, presence.Change[viewerMeta]) {}

func TestEverythingThatUsersLiveInWorksTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ps := pubsub.Local()
		app, server := newSite(ps, "a secret of more than twenty bytes")
		signed, err := app.tokens.Sign(7)
		if err != nil {
			t.Fatal(err)
		}
		if err := roosttest.ConnectError(t, server, &roosttest.Options{Params: map[string]string{"token": "forged"}}); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("connect with a forged token: %v", err)
		}
		ada := roosttest.Connect(t, server, &roosttest.Options{Params: map[string]string{"token": signed}})
		ch := ada.Join("videos:42", joinVideo{LastSeenID: 1})
		if got := ch.JoinReply[joinedVideo](); len(got.Annotations) != 1 {
			t.Errorf("join reply: %v", got)
		}
		ch.ExpectEvent("presence_diff")
		ch.ExpectEvent("presence_state")
		if entry, ok := app.viewers.Get("videos:42", "7"); !ok || len(entry.Metas) != 1 || len(app.viewers.List("videos:42")) != 1 {
			t.Errorf("presence: %v %v", entry, ok)
		}

		ch.Call(NewAnnotation, annotationInput{At: 12, Body: "look"})
		if got := ch.ExpectPush(Annotated); got != (annotation{"Ada", "look"}) {
			t.Errorf("got %v", got)
		}
		Annotated.Broadcast(t.Context(), ps, "videos:42", annotation{"Mallory", "muted"})
		Announced.Broadcast(t.Context(), ps, "announcements", announcement{"hello"})
		if got := ch.ExpectPush(Announced); got.Text != "announcements: hello" {
			t.Errorf("got %v", got)
		}
		ch.Push(Typing, typingOn{true})
		ch.ExpectEvent("presence_diff")
		order := ch.Push(Order, receiptInput{})
		synctest.Wait()
		app.orders[0].Reply(receipt{Number: 3})
		if got := order.Reply(); got.Number != 3 {
			t.Errorf("got %v", got)
		}
		if got := ch.ExpectPush(Announced); got.Text != "still there after 1m0s?" {
			t.Errorf("got %v", got)
		}
		ps.Kick(t.Context(), "user:7", "videos:42", "over")
		ch.ExpectClose()
		synctest.Wait()
		if !slices.Equal(app.ends, []roost.Reason{roost.Kicked}) || app.viewers.Count("videos:42") != 0 {
			t.Errorf("OnTerminate was told %v, %d viewers left", app.ends, app.viewers.Count("videos:42"))
		}

		proxy := ada.Join("proxy:1", nil)
		if got := proxy.PushRaw("echo", []byte{1, 2}).Reply(); !got.Binary || len(got.Data) != 2 {
			t.Errorf("got %v", got)
		}
		if got := proxy.PushRaw("later", nil).Error(); got.Reason != "never" {
			t.Errorf("got %v", got)
		}
		Announced.Broadcast(t.Context(), ps, "proxy:1", announcement{"x"})
		if got := proxy.ExpectEvent("passed_announced"); string(got.Data) != `{"Text":"x"}` {
			t.Errorf("got %s", got.Data)
		}
		ps.Disconnect(t.Context(), "user:7")
		ada.ExpectDisconnect()
		if err := app.viewers.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

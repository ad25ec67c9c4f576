package live

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

// page is a page on which a video is watched, connected over the network.
type page struct {
	t      *testing.T
	socket *client.Socket
	*client.Channel

	joined Joined
	told   chan string // what comes behind the reply to the join: bodies of annotations, and what else is told of the history
}

// open opens a page of the session on the video.
func (s *site) open(session accounts.Session, revision int64, opts client.ChannelOptions) *page {
	s.t.Helper()
	server := httptest.NewServer(s.app)
	s.t.Cleanup(server.Close)
	socket, err := client.Dial(s.t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+"/socket/websocket", &client.Options{
		AuthToken: func(context.Context) (string, error) { return s.app.Token(session) },
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	p := &page{t: s.t, socket: socket, Channel: socket.Channel(s.topic, &opts), told: make(chan string, 100)}
	s.t.Cleanup(p.close)
	p.On(AnnotationAdded, func(_ context.Context, a Annotation) { p.told <- a.Body })
	p.On(AnnotationEdited, func(_ context.Context, a Annotation) { p.told <- "edited: " + a.Body })
	p.On(AnnotationRemoved, func(_ context.Context, a RemovedAnnotation) { p.told <- fmt.Sprint("removed: ", a.ID) })
	p.On(MessageAdded, func(_ context.Context, m Message) { p.told <- "said: " + m.Body })
	p.OnRecovered(func(context.Context, int) { p.told <- "(that was all)" })
	p.OnGap(func(context.Context) { p.told <- "(something is missing)" })
	if p.joined, err = p.Join[Joined](s.t.Context(), JoinVideo{Revision: revision}); err != nil {
		s.t.Fatal(err)
	}
	return p
}

func (p *page) close() {
	p.t.Helper()
	if err := p.socket.Close(context.Background()); err != nil {
		p.t.Error(err)
	}
}

// annotate has the viewer annotate the video. The page is told by the reply.
func (p *page) annotate(bodies ...string) {
	p.t.Helper()
	for _, body := range bodies {
		if _, err := p.Call(p.t.Context(), NewAnnotation, AnnotationInput{Body: body}); err != nil {
			p.t.Fatal(err)
		}
		p.told <- body
	}
}

// wants fails unless the reply to the join brought these annotations, and this
// came next, in order. What is annotated last shows that nothing came twice.
func (p *page) wants(reply string, told ...string) {
	p.t.Helper()
	if got := bodies(p.joined.Annotations); got != reply || p.joined.More {
		p.t.Errorf("the join brought %q, more: %v; want %q", got, p.joined.More, reply)
	}
	for _, want := range told {
		select {
		case got := <-p.told:
			if got != want {
				p.t.Errorf("told %q, want %q", got, want)
			}
		case <-time.After(20 * time.Second):
			p.t.Fatalf("waited in vain for %q", want)
		}
	}
}

// away is a site where Ada's page was open, which asked for the history, and
// was closed before Grace annotated "two" and "three". The page had "one" from
// the database.
type away struct {
	*site

	ada      accounts.Session
	grace    *page
	one      multimedia.Annotation
	position string // where Ada's page was
}

func newAway(t *testing.T, opts *Options) *away {
	t.Helper()
	a := &away{site: newSite(t, opts)}
	a.one = a.annotate("one")
	a.ada = a.logIn(a.register("ada"))
	a.grace = a.open(a.logIn(a.register("grace")), 0, client.ChannelOptions{})
	adas := a.open(a.ada, 0, client.ChannelOptions{History: true})
	adas.wants("one")
	a.position = adas.Position()
	adas.close()
	a.grace.annotate("two", "three")
	return a
}

func TestWhoIsBackGetsWhatWasMissedFromTheHistory(t *testing.T) {
	a := newAway(t, nil)
	before := a.store.asked.Load()
	ada := a.open(a.ada, a.one.Revision, client.ChannelOptions{After: a.position})
	a.grace.annotate("four")
	ada.wants("", "two", "three", "(that was all)", "four")
	if asked := a.store.asked.Load() - before; asked != 0 {
		t.Errorf("the database was asked for annotations %d times", asked)
	}
}

func TestWhoIsBackGetsWhatTheHistoryHasNoMoreFromTheDatabase(t *testing.T) {
	t.Run("of a server that was restarted", func(t *testing.T) {
		a := newAway(t, nil)
		a.grace.close()
		a.start(nil)
		ada := a.open(a.ada, a.one.Revision, client.ChannelOptions{After: a.position})
		ada.annotate("four")
		ada.wants("two, three", "(something is missing)", "four")
	})
	t.Run("of more than is kept", func(t *testing.T) {
		keeps := History()
		keeps[0].Count = 1
		ps, err := pubsub.New(&pubsub.Options{History: keeps})
		if err != nil {
			t.Fatal(err)
		}
		a := newAway(t, &Options{PubSub: ps})
		ada := a.open(a.ada, a.one.Revision, client.ChannelOptions{After: a.position})
		ada.annotate("four")
		ada.wants("two, three", "(something is missing)", "four")
	})
	t.Run("where none is kept", func(t *testing.T) {
		a := newAway(t, &Options{PubSub: pubsub.Local()})
		ada := a.open(a.ada, a.one.Revision, client.ChannelOptions{History: true})
		ada.annotate("four")
		ada.wants("two, three", "four")
	})
}

func TestWhoComesForTheFirstTimeGetsEverythingFromTheDatabase(t *testing.T) {
	a := newAway(t, nil)
	edith := a.open(a.logIn(a.register("edith")), 0, client.ChannelOptions{History: true})
	edith.annotate("four")
	edith.wants("one, two, three", "four")
}

func TestWhoAsksForNoHistoryGetsWhatWasMissedFromTheDatabase(t *testing.T) {
	a := newAway(t, nil)
	ada := a.open(a.ada, a.one.Revision, client.ChannelOptions{})
	ada.annotate("four")
	ada.wants("two, three", "four")
}

// changeAll has an annotation edited, another one removed, and something said
// while Ada's page, which had both, is away.
func changeAll(t *testing.T, opts *Options) (a *away, two Annotation) {
	t.Helper()
	a = newAway(t, opts)
	page, err := a.grace.Call(t.Context(), MoreAnnotations, JoinVideo{Revision: a.one.Revision})
	if err != nil {
		t.Fatal(err)
	}
	two, three := page.Annotations[0], page.Annotations[1]
	adas := a.open(a.ada, 0, client.ChannelOptions{History: true})
	adas.wants("one, two, three")
	a.position = adas.Position()
	adas.close()
	if _, err := a.grace.Call(t.Context(), EditAnnotation, AnnotationEdit{ID: three.ID, Body: "3"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.grace.Call(t.Context(), RemoveAnnotation, AnnotationRef{ID: two.ID}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.grace.Call(t.Context(), NewMessage, MessageInput{Body: "hello"}); err != nil {
		t.Fatal(err)
	}
	a.one.Revision = three.Revision // what her page knows
	return a, two
}

func TestWhoIsBackGetsWhatWasEditedRemovedAndSaidFromTheHistory(t *testing.T) {
	a, two := changeAll(t, nil)
	ada := a.open(a.ada, a.one.Revision, client.ChannelOptions{After: a.position})
	ada.wants("", "edited: 3", fmt.Sprint("removed: ", two.ID), "said: hello", "(that was all)")
	if j := ada.joined; !j.Resumed || len(j.Messages)+len(j.Removed) != 0 {
		t.Errorf("the join brought %+v, too", j)
	}
}

func TestWhoWasAwayForTooLongGetsWhatWasEditedRemovedAndSaidFromTheDatabase(t *testing.T) {
	a, two := changeAll(t, nil)
	a.grace.close()
	a.start(nil) // its history is lost
	ada := a.open(a.ada, a.one.Revision, client.ChannelOptions{After: a.position})
	ada.wants("3", "(something is missing)")
	if j := ada.joined; len(j.Removed) != 1 || j.Removed[0].ID != two.ID || len(j.Messages) != 1 || j.Messages[0].Body != "hello" {
		t.Errorf("the join brought %+v", j)
	}
}

// Who is back is not told what is in the database alone, so whatever is there
// has to get into the history.
func TestAnAnnotationIsAnnouncedOnceTheEngineIsThereAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &pubsubtest.Bus{}
		ps, err := pubsub.New(&pubsub.Options{Adapter: bus.Node(), History: History(), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer ps.Close(context.Background())
		s := newSite(t, &Options{PubSub: ps, Logger: slog.New(slog.DiscardHandler)})
		ada, grace := s.viewer("ada").Join(s.topic, nil), s.viewer("grace").Join(s.topic, nil)
		bus.EngineAway()
		pending := ada.Push(NewAnnotation, AnnotationInput{Body: "into the void"})
		time.Sleep(announceTimeout / 2) // of virtual time
		bus.EngineBack()
		if got := grace.ExpectPush(AnnotationAdded); got.Body != "into the void" {
			t.Errorf("grace got %+v", got)
		}
		pending.Reply()
		kept, err := ps.Log().Read(t.Context(), s.topic, history.Position{}, 10)
		if err != nil || len(kept.Entries) != 1 {
			t.Errorf("the history has %d events (%v), want the annotation", len(kept.Entries), err)
		}
	})
}

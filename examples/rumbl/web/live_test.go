package web_test

import (
	"context"
	"errors"
	"html"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/client"

	"github.com/roost-dev/roost/examples/rumbl/live"
)

// watching is what is live on the page of a video.
type watching struct {
	socket  *client.Socket
	deleted chan struct{} // told that the video is
	refused chan struct{} // a try to come back was
}

// watch opens the page of a video and its socket, as the page's script does.
func (b *browser) watch(path string) *watching {
	b.t.Helper()
	page := b.get(path)
	id, _, _ := strings.Cut(strings.TrimPrefix(page.path, "/watch/"), "-")
	token := html.UnescapeString(socketToken.FindStringSubmatch(page.body)[1])
	w := &watching{deleted: make(chan struct{}, 1), refused: make(chan struct{}, 100)}
	var err error
	w.socket, err = client.Dial(b.t.Context(), "ws"+strings.TrimPrefix(b.site.url, "http")+"/socket/websocket", &client.Options{
		AuthToken: func(context.Context) (string, error) { return token, nil },
		Logger:    slog.New(slog.DiscardHandler),
		OnClose: func(err error) {
			if _, ok := errors.AsType[*client.RefusedError](err); ok {
				w.refused <- struct{}{}
			}
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = w.socket.Close(context.Background()) }) // which may have lost its connection
	channel := w.socket.Channel("videos:"+id, nil)
	channel.On(live.VideoDeleted, func(context.Context, live.Deleted) { w.deleted <- struct{}{} })
	if _, err := channel.Join[live.Joined](b.t.Context(), live.JoinVideo{}); err != nil {
		b.t.Fatal(err)
	}
	return w
}

func await(t *testing.T, told <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-told:
	case <-time.After(20 * time.Second):
		t.Fatalf("waited in vain for %s", what)
	}
}

func TestWhoWatchesAVideoIsToldThatItIsDeleted(t *testing.T) {
	s := newSite(t)
	ada, _ := s.member(t, "ada")
	bob, _ := s.member(t, "bob")
	gone, other := bob.watch("/watch/1"), bob.watch("/watch/2")
	ada.submit("/videos/1/delete", "/videos/1/delete", nil)
	await(t, gone.deleted, "the news")
	bob.submit("/videos/2/delete", "/videos/2/delete", nil)
	await(t, other.deleted, "the news of the other one")
	if len(gone.deleted)+len(other.deleted) > 0 {
		t.Error("a page was told of another page's video")
	}
}

func TestAnotherPasswordClosesTheSocketsOfOtherBrowsersForGood(t *testing.T) {
	s := newSite(t)
	b, _ := s.member(t, "ada")
	other := s.newBrowser(t)
	other.submit("/login", "/login", map[string]string{"username": "ada", "password": "correct horse"})
	own, others := b.watch("/watch/1"), other.watch("/watch/1")
	b.submit("/account", "/account/password", map[string]string{"old_password": "correct horse", "new_password": "battery staple"})
	await(t, others.refused, "the other browser to be refused")
	if _, err := own.socket.Probe(t.Context()); err != nil {
		t.Errorf("the browser in which it was changed: %v", err)
	}
	if len(own.refused) > 0 {
		t.Error("the browser in which it was changed was refused")
	}
}

func TestLoggingOutClosesTheSocketForGood(t *testing.T) {
	b, _ := newSite(t).member(t, "ada")
	w := b.watch("/watch/1")
	b.submit("/", "/logout", nil)
	await(t, w.refused, "the page to be refused")
}

package live

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/roost-dev/roost/client"
)

// page is a page that is open in a browser, connected over the network.
type page struct {
	*client.Channel

	socket *client.Socket
	joined Joined
	told   chan string // the bodies of annotations
}

// open opens a page. It says where it was in the history before, if it was.
func open(t *testing.T, app *App, name, position string) *page {
	t.Helper()
	site := httptest.NewServer(app)
	t.Cleanup(site.Close)
	socket, err := client.Dial(t.Context(), strings.Replace(site.URL, "http", "ws", 1)+"/socket/websocket", &client.Options{
		AuthToken: func(context.Context) (string, error) { return logIn(t, app, name).AuthToken, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	p := &page{
		Channel: socket.Channel("videos:1", &client.ChannelOptions{History: true, After: position, Outbox: 10}),
		socket:  socket,
		told:    make(chan string, 10),
	}
	t.Cleanup(func() { p.socket.Close(context.Background()) })
	p.On(AnnotationAdded, func(_ context.Context, a Annotation) { p.told <- a.Body })
	if p.joined, err = p.Join[Joined](t.Context(), JoinVideo{}); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWhoLostTheConnectionGetsWhatWasMissedFromTheHistory(t *testing.T) {
	app := newApp(t)
	t.Cleanup(func() { app.Shutdown(context.Background()) })
	bob := open(t, app, "Bob", "")
	ada := open(t, app, "Ada", "")
	position := ada.Position()
	ada.socket.Close(t.Context())

	for _, body := range []string{"one", "two"} {
		// The call is numbered: sent again after an interruption, it takes effect once.
		if _, err := bob.CallOnce(t.Context(), NewAnnotation, AnnotationInput{Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	ada = open(t, app, "Ada", position)
	if len(ada.joined.Annotations) > 0 {
		t.Errorf("the join brings %v, which the history has", ada.joined.Annotations)
	}
	for _, want := range []string{"one", "two"} {
		if got := <-ada.told; got != want {
			t.Errorf("Ada is told %q, want %q", got, want)
		}
	}
}

package recovery

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/pubsub"
)

// site is a server that keeps history.
type site struct {
	*Shop

	t    *testing.T
	ps   *pubsub.PubSub
	url  string
	away sync.Mutex // held while nobody gets a connection
}

func newSite(t *testing.T) *site {
	t.Helper()
	ps, err := newPubSub()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{Shop: &Shop{}, t: t, ps: ps}
	server := New(s.Shop, ps)
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		server.Shutdown(context.Background())
		web.Close()
	})
	s.url = "ws" + strings.TrimPrefix(web.URL, "http") + "/socket"
	return s
}

// annotate is what somebody else says.
func (s *site) annotate(body string) {
	s.t.Helper()
	if err := Annotated.Broadcast(s.t.Context(), s.ps, "videos:1", s.Shop.annotate(Annotation{Body: body})); err != nil {
		s.t.Fatal(err)
	}
}

// interrupt has a user's connections break, and annotates before they are back.
func (s *site) interrupt(user string, bodies ...string) {
	s.t.Helper()
	s.away.Lock()
	defer s.away.Unlock()
	if err := s.ps.Disconnect(s.t.Context(), "user:"+user); err != nil {
		s.t.Fatal(err)
	}
	for _, body := range bodies {
		s.annotate(body)
	}
}

func (s *site) dial(user string) *client.Socket {
	s.t.Helper()
	socket, err := client.Dial(s.t.Context(), s.url+"/websocket", &client.Options{
		Params: func(context.Context) (url.Values, error) {
			s.away.Lock()
			defer s.away.Unlock()
			return url.Values{"user": {user}}, nil
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { socket.Close(context.Background()) })
	return socket
}

// shown is what a page shows, in the order in which it came.
type shown chan string

func (s shown) wants(t *testing.T, bodies ...string) {
	t.Helper()
	for _, want := range bodies {
		select {
		case got := <-s:
			if got != want {
				t.Errorf("shown %q, want %q", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("waited in vain for %q", want)
		}
	}
}

func TestGoMissesNothingAndBuysOnce(t *testing.T) {
	s := newSite(t)
	s.annotate("one")
	page := make(shown, 100)
	video, err := follow(t.Context(), s.dial("ada"), "1", func(all ...Annotation) {
		for _, a := range all {
			page <- a.Body
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	page.wants(t, "one")
	s.interrupt("ada", "two", "three")
	page.wants(t, "two", "three")

	order, err := buy(t.Context(), video, 7)
	if err != nil || order != "order 1" {
		t.Errorf("bought %q: %v", order, err)
	}
}

func TestWhatIsNotKeptAnyMoreComesAsASnapshot(t *testing.T) {
	s := newSite(t)
	page := make(shown, 100)
	if _, err := follow(t.Context(), s.dial("ada"), "1", func(all ...Annotation) {
		page <- fmt.Sprintf("%d at once", len(all))
	}); err != nil {
		t.Fatal(err)
	}
	page.wants(t, "0 at once")
	s.interrupt("ada", make([]string, 501)...)
	page.wants(t, "501 at once")
	s.annotate("live")
	page.wants(t, "1 at once")
}

func TestStockPhoenixMissesNothing(t *testing.T) {
	s := newSite(t)
	s.annotate("one")
	page := s.stock("ada")
	page.wants(t, "one")
	s.annotate("two")
	page.wants(t, "two")
	s.interrupt("ada", "three", "four")
	page.wants(t, "three", "four")
}

// stock runs the guide's script for phoenix.js.
func (s *site) stock(user string) shown {
	s.t.Helper()
	script, err := os.ReadFile("stock.js")
	if err != nil {
		s.t.Fatal(err)
	}
	modules, err := filepath.Abs("../../../test/node_modules")
	if err != nil {
		s.t.Fatal(err)
	}
	node := exec.CommandContext(s.t.Context(), "node", "--input-type=module")
	node.Stdin = strings.NewReader(fmt.Sprintf(`%s
import { Socket } from %q
import WebSocket from %q
const socket = new Socket(%q, { params: { user: %q }, transport: WebSocket })
follow(socket, "1", (all) => all.forEach(({ body }) => console.log(body)))
socket.connect()
`, script, modules+"/phoenix/priv/static/phoenix.mjs", modules+"/ws/wrapper.mjs", s.url, user))
	node.Stderr = s.t.Output()
	out, err := node.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		s.t.Fatalf("node, and `make test/node_modules`, are needed: %v", err)
	}
	s.t.Cleanup(func() { node.Wait() })
	return lines(out)
}

func lines(r io.Reader) shown {
	page := make(shown, 100)
	go func() {
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			page <- scanner.Text()
		}
	}()
	return page
}

// Command crowd serves a topic on which many are present, whoever is
// connected, so that a test can see what a large presence costs a client. It
// prints "crowd on HOST:PORT" when it serves.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/transport"
)

const shutdownBound = 10 * time.Second

var (
	gather = roost.NewIn[size, roost.Ack]("gather")       // so many become present
	change = roost.NewIn[person, roost.NoReply]("change") // what is tracked of one of them changes
)

type (
	size   struct{ People int }
	person struct{ Number int }

	// member is what is tracked of each.
	member struct {
		Name     string `json:"name"`
		OnlineAt string `json:"online_at"`
		Changes  int    `json:"changes"`
	}

	crowd   struct{ members *presence.Presence[member] }
	channel = roost.Channel[struct{}]
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "`host:port` to listen on")
	files := flag.String("files", ".", "`folder` of what the pages load")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, *addr, *files)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "crowd:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, addr, files string) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ps, err := pubsub.New(&pubsub.Options{Logger: logger})
	if err != nil {
		return err
	}
	c := crowd{presence.New[member](ps, &presence.Options[member]{Window: -1, Logger: logger})}
	h := roost.NewHandler(c.join, nil)
	h.HandleIn(gather, c.gather)
	h.HandleIn(change, c.change)
	server := roost.NewServer(connect, &roost.Options[struct{}]{
		PubSub:   ps,
		Origin:   transport.AnyOrigin(),
		Messages: roost.Rate{PerSecond: -1},
		// Room for the diffs of those who become present at once.
		MailboxLen: 10_000, MailboxBytes: 16 << 20,
		Logger: logger,
	})
	server.Handle("crowd", h)

	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/socket/", server)
	mux.Handle("/", http.FileServer(http.Dir(files)))
	web := &http.Server{Handler: mux, ReadHeaderTimeout: shutdownBound}
	context.AfterFunc(ctx, func() { _ = web.Close() })
	fmt.Println("crowd on", listener.Addr())
	if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	ending, cancel := context.WithTimeout(context.Background(), shutdownBound)
	defer cancel()
	return errors.Join(server.Shutdown(ending), c.members.Close(ending), ps.Close(ending))
}

func connect(context.Context, *roost.ConnectRequest) (struct{}, error) { return struct{}{}, nil }

func (c crowd) join(ctx context.Context, ch *channel, _ *roost.Socket[struct{}], _ struct{}) (roost.Ack, error) {
	return roost.Ack{}, c.members.PushState(ctx, ch)
}

func (c crowd) gather(ctx context.Context, ch *channel, p size) (roost.Ack, error) {
	online := strconv.FormatInt(time.Now().Unix(), 10)
	for n := range p.People {
		if err := c.members.Track(ctx, ch, key(n), member{Name: fmt.Sprint("Visitor ", n), OnlineAt: online}); err != nil {
			return roost.Ack{}, err
		}
	}
	return roost.Ack{}, nil
}

func (c crowd) change(ctx context.Context, ch *channel, p person) (roost.NoReply, error) {
	return roost.NoReply{}, c.members.Update(ctx, ch, key(p.Number), func(m member) member {
		m.Changes++
		return m
	})
}

func key(n int) string { return fmt.Sprint("user-", n) }

package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/roost-dev/roost/internal/ws"
)

// How a session goes from long polling to a WebSocket (spec/protocol.md §23).

const (
	upgradeProtocol = "roost.upgrade"
	sessionProtocol = "roost.session."

	// upgradeLimit is how long a try may take.
	upgradeLimit = 10 * time.Second
)

// upgradePause is how long to wait before the n-th try, from 0: less by chance,
// since others have fallen back as well.
func upgradePause(n int) time.Duration {
	pauses := [...]time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}
	most := pauses[min(n, len(pauses)-1)]
	return most/2 + rand.N(most/2)
}

// handover asks who polls, or who posts, to stop and hear how it goes on.
type handover struct {
	stopped chan struct{}   // closed when he has
	resumed chan *webSocket // has that on which it goes on; nil: as before
}

func newHandover() *handover {
	return &handover{stopped: make(chan struct{}), resumed: make(chan *webSocket, 1)}
}

// await stops, and returns the WebSocket on which it goes on; nil if it goes on
// as before, or the connection is over.
func (h *handover) await(c *conn) *webSocket {
	close(h.stopped)
	select {
	case w := <-h.resumed:
		return w
	case <-c.done:
	}
	select {
	case w := <-h.resumed: // which came first, and is to be closed in good order
		return w
	default:
		return nil
	}
}

// tryUpgrades tries to go on over a WebSocket until it does, or the connection
// is over.
func (p *longPoll) tryUpgrades(c *conn) {
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	c.both.Go(func() {
		select {
		case <-c.done:
			cancel()
		case <-ctx.Done():
		}
	})
	for n := 0; ; n++ {
		t := time.NewTimer(upgradePause(n))
		select {
		case <-t.C:
		case <-p.socket.look:
		case <-ctx.Done():
		}
		t.Stop()
		if ctx.Err() != nil {
			return
		}
		err := p.upgrade(ctx, c)
		if err == nil {
			return
		}
		p.socket.opts.Logger.Debug("client: long polling goes on", "host", p.url.Host, "error", err)
	}
}

// upgrade tries once. Until the server agrees the session is where it was.
func (p *longPoll) upgrade(ctx context.Context, c *conn) (err error) {
	late := fmt.Errorf("it took longer than %v: %w", upgradeLimit, context.DeadlineExceeded)
	ctx, cancel := context.WithTimeoutCause(ctx, upgradeLimit, late)
	defer cancel()
	w, err := p.openUpgrade(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	stop := context.AfterFunc(ctx, w.close)
	finish, hold := newHandover(), newHandover()
	n, err := p.negotiate(ctx, w, finish, hold)
	if err == nil {
		err = w.exchange(fmt.Sprintf("go %d", n), "go")
	}
	if err == nil && !stop() {
		err = context.Cause(ctx)
	}
	if err == nil && !c.move(w) {
		err = errNotSent
	}
	if err != nil {
		p.resume(finish, hold, nil)
		return err
	}
	p.socket.upgraded()
	p.resume(finish, hold, w)
	p.cancel()
	return nil
}

// openUpgrade opens a WebSocket for the session.
func (p *longPoll) openUpgrade(ctx context.Context) (*webSocket, error) {
	u := *p.socket.url
	u.RawQuery = p.url.RawQuery
	h := p.socket.opts.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("Sec-WebSocket-Protocol", upgradeProtocol+", "+sessionProtocol+*p.token.Load())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	req.Header = h
	w, picked, err := p.socket.upgrade(req, []string{upgradeProtocol})
	if err == nil && picked != upgradeProtocol {
		w.close()
		err = errors.New("client: the server did not choose " + upgradeProtocol)
	}
	return w, err
}

// negotiate does all but the last step, and returns how many messages the polls
// have brought. Polls and posts are held then.
func (p *longPoll) negotiate(ctx context.Context, w *webSocket, finish, hold *handover) (received uint64, err error) {
	if err := w.exchange("probe", "probe"); err != nil {
		return 0, err
	}
	p.holds <- hold
	if err := hold.wait(ctx); err != nil {
		return 0, err
	}
	p.finishes <- finish
	if err := w.say("upgrade"); err != nil {
		return 0, err
	}
	err = finish.wait(ctx)
	return p.received.Load(), err
}

func (h *handover) wait(ctx context.Context) error {
	select {
	case <-h.stopped:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// resume has polls and posts go on: over w, or as before. Who was not asked yet
// will not be.
func (p *longPoll) resume(finish, hold *handover, w *webSocket) {
	finish.resumed <- w
	hold.resumed <- w
	if w != nil {
		return
	}
	for _, asked := range []chan *handover{p.finishes, p.holds} {
		select {
		case <-asked:
		default:
		}
	}
}

// say sends a word before the session is there.
func (w *webSocket) say(word string) error {
	_, err := w.stream.Write(appendFrame(nil, ws.Text, []byte(word)))
	return err
}

// exchange sends a word and waits for the answer.
func (w *webSocket) exchange(word, answer string) error {
	if err := w.say(word); err != nil {
		return err
	}
	got, _, err := w.reader.message()
	if err == nil && !bytes.Equal(got, []byte(answer)) {
		err = fmt.Errorf("client: the server answered %.20q to %q", got, strings.Fields(word)[0])
	}
	return err
}

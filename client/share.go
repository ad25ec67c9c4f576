package client

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"fmt"
	"slices"
	"sync"

	"github.com/roost-dev/roost/wire"
)

// Shared is what one part of a program holds of a conversation that it shares
// with others. Make it with [Socket.Share], say what is to be called, and join
// it. Its callbacks are its own; Call, Push, CallOnce and the rest of the
// channel's methods are the conversation's, and so are Done and Err.
//
// The callbacks of all parts run on one goroutine, one at a time.
type Shared struct {
	*Channel
	listener

	share *share
	left  bool // guarded by the share's mutex
}

// share is a conversation that parts of a program share.
type share struct {
	channel *Channel
	who     *Presence[jsontext.Value] // for parts that come later

	mu     sync.Mutex // guards what follows, and is held while an item is given to all parts that there are
	holds  int        // parts that have not left
	params wire.Payload
	parts  []*Shared // that hear; replaced, not changed
}

// Share returns a part of the conversation on a topic, for programs of which
// several parts want it and do not know of each other: the first part to join
// joins the topic, the last to leave leaves it. The options are those of the
// conversation, given by the part that comes first; the others' are not looked
// at. A topic that is shared cannot have a channel of its own beside.
//
// If the server ends the conversation, or refuses it, that is the end for all
// parts; one that is made later begins anew.
func (s *Socket) Share(topic string, opts *ChannelOptions) *Shared {
	s.sharing.Lock()
	defer s.sharing.Unlock()
	sh := s.shares[topic]
	if sh == nil || !sh.hold() {
		sh = newShare(newChannel(s, topic, opts.withDefaults()))
		s.shares[topic] = sh
	}
	part := &Shared{Channel: sh.channel, share: sh}
	part.listener.channel = sh.channel
	return part
}

func newShare(ch *Channel) *share {
	sh := &share{channel: ch, holds: 1}
	sh.who = newPresence[jsontext.Value](ch)
	ch.shared = sh
	return sh
}

// hold counts one more part, unless the conversation is over.
func (sh *share) hold() bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.holds == 0 || sh.channel.Err() != nil {
		return false
	}
	sh.holds++
	return true
}

// Join joins the conversation, or returns the reply that it was joined with
// first, which may be old then: what happened since is not told to this part,
// but a [Presence] knows who is there. The params must be the same in all parts.
// Otherwise it is like [Channel.Join]; if it fails the part is left.
func (p *Shared) Join[R any](ctx context.Context, params any) (R, error) {
	var none R
	reply, err := p.join(ctx, params)
	if err != nil {
		return none, err
	}
	v, err := decode[R](reply)
	if err != nil {
		p.release()
		return none, fmt.Errorf("client: the reply to the join of %q: %w", p.Topic(), err)
	}
	return v, nil
}

func (p *Shared) join(ctx context.Context, params any) (wire.Payload, error) {
	first, err := encode(params)
	if err != nil {
		return first, fmt.Errorf("client: the parameters for %q: %w", p.Topic(), err)
	}
	if p.begun.Swap(true) {
		return first, fmt.Errorf("client: this part of %q was joined before", p.Topic())
	}
	if err = p.share.add(p, first); err != nil {
		p.release()
		return first, err
	}
	reply, err := p.Channel.accept(ctx)
	if err != nil {
		p.release()
	}
	return reply, err
}

// add has a part hear, and the conversation begun.
func (sh *share) add(p *Shared, params wire.Payload) error {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	begins := !sh.channel.begun.Swap(true)
	switch {
	case p.left:
		return ErrClosed
	case begins:
		sh.params = params
	case params.Binary != sh.params.Binary || !bytes.Equal(params.Data, sh.params.Data):
		return fmt.Errorf("client: topic %q is shared with other parameters: they must be the same in all parts", sh.channel.topic)
	}
	for _, who := range p.presences {
		who.seed(sh.who)
	}
	sh.parts = append(slices.Clone(sh.parts), p)
	if begins {
		return sh.channel.begin(params)
	}
	return nil
}

// Leave leaves the conversation to the other parts: no further callback of this
// one begins. If there are no others it leaves the topic, and tells the server
// so without waiting for an answer. It does not block, and returns nil.
func (p *Shared) Leave(context.Context) error {
	p.release()
	return nil
}

func (p *Shared) release() {
	if p.share.drop(p) {
		p.socket.unshare(p.share)
	}
}

// drop drops a part, and leaves the topic with the last one: before a new part
// can join it, since the server takes no leave of a former conversation.
func (sh *share) drop(p *Shared) (last bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if p.left {
		return false
	}
	p.left = true
	sh.parts = slices.DeleteFunc(slices.Clone(sh.parts), func(other *Shared) bool { return other == p })
	if sh.holds--; sh.holds > 0 {
		return false
	}
	sh.channel.giveUp()
	return true
}

func (s *Socket) unshare(sh *share) {
	s.sharing.Lock()
	defer s.sharing.Unlock()
	if topic := sh.channel.topic; s.shares[topic] == sh {
		delete(s.shares, topic)
	}
}

// tell gives an item to all parts. One that comes meanwhile hears what is
// behind it, and its presence knows of what is before.
func (sh *share) tell(ctx context.Context, it item) {
	sh.mu.Lock()
	_ = sh.who.take(ctx, it) // the parts tell of errors
	parts := sh.parts
	sh.mu.Unlock()
	for _, p := range parts {
		if sh.hears(p) {
			p.listener.tell(ctx, it)
		}
	}
}

func (sh *share) hears(p *Shared) bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return !p.left
}

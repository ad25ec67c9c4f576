package live

import (
	"context"
	"strconv"
	"time"

	"github.com/roost-dev/roost"
)

// typingFor is how long one who has not sent anything, nor gone on writing,
// counts as writing.
const typingFor = 4 * time.Second

func (app *App) newMessage(ctx context.Context, ch *roost.Channel[watching], in MessageInput) (Message, error) {
	app.stopTyping(ctx, ch)
	m, err := app.multimedia.Say(ctx, ch.State.video.ID, ch.State.viewer, in.Body)
	if err != nil {
		return Message{}, refusal(err)
	}
	said := toMessage(m)
	app.announce(ctx, ch, MessageAdded, said)
	return said, nil
}

// showMessage keeps from others what somebody says who is muted.
func (app *App) showMessage(_ context.Context, ch *roost.Channel[watching], m Message) (Message, bool, error) {
	return m, ch.State.maySee(m.Muted, m.User), nil
}

func (app *App) lastMessages(ctx context.Context, w *watching) ([]Message, error) {
	found, err := app.multimedia.LatestMessages(ctx, w.video.ID, w.viewer.ID, lastMessages)
	messages := make([]Message, 0, len(found))
	for _, m := range found {
		messages = append(messages, toMessage(m))
	}
	return messages, err
}

// typing is whether the viewer is writing something.
type typing struct {
	shown bool      // to all, by presence
	until time.Time // then it ends
	timed bool      // a timer runs that looks whether it has ended
}

// typingEnded is what the timer says.
type typingEnded struct{}

// startTyping shows that the viewer is writing. However often a client says so,
// presence changes once, and one timer runs. Of one who is muted it shows
// nothing.
func (app *App) startTyping(ctx context.Context, ch *roost.Channel[watching], _ Typing) (roost.NoReply, error) {
	t := &ch.State.typing
	if ch.State.muted {
		return roost.NoReply{}, nil
	}
	t.until = time.Now().Add(typingFor)
	if !t.timed {
		t.timed = true
		ch.SendAfter(typingEnded{}, typingFor)
	}
	return roost.NoReply{}, app.showTyping(ctx, ch, true)
}

func (app *App) typingEnds(ctx context.Context, ch *roost.Channel[watching], _ typingEnded) error {
	t := &ch.State.typing
	if left := time.Until(t.until); t.shown && left > 0 {
		ch.SendAfter(typingEnded{}, left)
		return nil
	}
	t.timed = false
	return app.showTyping(ctx, ch, false)
}

// stopTyping is for when the viewer has sent what was written.
func (app *App) stopTyping(ctx context.Context, ch *roost.Channel[watching]) {
	if err := app.showTyping(ctx, ch, false); err != nil {
		app.log.ErrorContext(ctx, "somebody goes on writing for the others", "topic", ch.Topic(), "error", err)
	}
}

func (app *App) showTyping(ctx context.Context, ch *roost.Channel[watching], typing bool) error {
	if ch.State.typing.shown == typing {
		return nil
	}
	ch.State.typing.shown = typing
	return app.viewers.Update(ctx, ch, strconv.FormatInt(ch.State.viewer.ID, 10), func(v Viewer) Viewer {
		v.Typing = typing
		return v
	})
}

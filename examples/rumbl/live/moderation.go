package live

import (
	"context"
	"strconv"

	"github.com/roost-dev/roost"

	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

// Kicked is the reason with which a conversation is closed whose viewer the
// video's owner has sent away.
const Kicked = "kicked by the owner"

func (app *App) muteViewer(ctx context.Context, ch *roost.Channel[watching], in MuteInput) (Mute, error) {
	viewer, err := app.multimedia.Mute(ctx, ch.State.video.ID, ch.State.viewer.ID, in.UserID, in.Muted)
	if err != nil {
		return Mute{}, refusal(err)
	}
	mute := Mute{User: User(viewer), Muted: in.Muted}
	app.announce(ctx, ch, ViewerMuted, mute)
	return mute, nil
}

// tellMuted tells of a mute only those whom it concerns, and has the
// conversations of the muted viewer know of it.
func (app *App) tellMuted(ctx context.Context, ch *roost.Channel[watching], m Mute) (Mute, bool, error) {
	w := &ch.State
	if w.viewer.ID == m.User.ID {
		w.muted = m.Muted
		if m.Muted {
			app.stopTyping(ctx, ch)
		}
		return m, true, nil
	}
	return m, w.isOwner(), nil
}

// tellMutes has one who joins know what tellMuted told others before.
func (app *App) tellMutes(ctx context.Context, w *watching, joined *Joined) (err error) {
	if !w.isOwner() {
		w.muted, err = app.multimedia.IsMuted(ctx, w.video.ID, w.viewer.ID)
		joined.Muted = w.muted
		return err
	}
	muted, err := app.multimedia.Muted(ctx, w.video.ID)
	for _, viewer := range muted {
		joined.MutedViewers = append(joined.MutedViewers, User(viewer))
	}
	return err
}

// kickViewer ends the conversations about the video of all of a viewer's pages,
// on all nodes. Their clients do not come back by themselves.
func (app *App) kickViewer(ctx context.Context, ch *roost.Channel[watching], ref ViewerRef) (roost.Ack, error) {
	w := &ch.State
	if !w.isOwner() || ref.UserID == w.viewer.ID {
		return roost.Ack{}, refusal(multimedia.ErrNotOwner)
	}
	if _, here := app.viewers.Get(ch.Topic(), strconv.FormatInt(ref.UserID, 10)); !here {
		return roost.Ack{}, refusal(multimedia.ErrNotFound)
	}
	sessions, err := app.accounts.SessionIDs(ctx, ref.UserID)
	if err != nil {
		return roost.Ack{}, err
	}
	for _, id := range sessions {
		if err := ch.PubSub().Kick(ctx, socketID(id), ch.Topic(), Kicked); err != nil {
			return roost.Ack{}, err
		}
	}
	return roost.Ack{}, nil
}

func (w *watching) isOwner() bool { return w.viewer.ID == w.video.Owner.ID }

// maySee tells whether the viewer gets to see what an author wrote.
func (w *watching) maySee(muted bool, author User) bool {
	return !muted || w.viewer.ID == author.ID || w.isOwner()
}

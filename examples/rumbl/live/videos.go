package live

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/roost-dev/roost"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/field"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

const (
	// pageSize is how many annotations a reply brings: with 280 characters
	// each they stay far below what a client's outbox takes.
	pageSize = 100
	// lastMessages is how many messages are shown to one who comes.
	lastMessages = 50
	// announceTimeout bounds how long an annotation that is stored may wait
	// for its way to the viewers: embedded nodes that lose one may need two
	// elections of up to 9 s. announcePause is how soon it is tried again.
	announceTimeout = 30 * time.Second
	announcePause   = 250 * time.Millisecond
)

// watching is the state of one page's conversation about one video.
type watching struct {
	viewer multimedia.Author
	video  multimedia.Video
	muted  bool // the viewer
	typing typing
}

func (app *App) videos() *roost.Handler[accounts.Session, watching] {
	videos := roost.NewHandler(app.join, nil)
	videos.HandleIn(NewAnnotation, app.newAnnotation)
	videos.HandleIn(EditAnnotation, app.editAnnotation)
	videos.HandleIn(RemoveAnnotation, app.removeAnnotation)
	videos.HandleIn(MoreAnnotations, app.moreAnnotations)
	videos.HandleIn(NewMessage, app.newMessage)
	videos.HandleIn(StartTyping, app.startTyping)
	videos.HandleIn(MuteViewer, app.muteViewer)
	videos.HandleIn(KickViewer, app.kickViewer)
	videos.HandleInfo(app.typingEnds)
	videos.HandleInfo(app.sessionExpires)
	videos.HandleOut(AnnotationAdded, app.showAnnotation)
	videos.HandleOut(AnnotationEdited, app.showAnnotation)
	videos.HandleOut(MessageAdded, app.showMessage)
	videos.HandleOut(ViewerMuted, app.tellMuted)
	videos.HandleOut(VideoDeleted, app.endVideo)
	videos.Emits(AnnotationRemoved)
	videos.Tracks(app.viewers)
	return videos
}

// join brings a viewer up to date. One who is back gets what was missed from the
// history, behind the reply; anybody else, and who was away for too long, gets
// it from the database, in the reply. Whatever happens from here on comes live
// after that; the same may come both ways, and a client knows it by its id and
// revision.
func (app *App) join(ctx context.Context, ch *roost.Channel[watching], s *roost.Socket[accounts.Session], p JoinVideo) (Joined, error) {
	if err := app.goesOn(ctx, s); err != nil {
		return Joined{}, err
	}
	video, err := app.video(ctx, ch.Param("id"))
	if err != nil {
		return Joined{}, err
	}
	user := s.Assigns.User
	ch.State = watching{viewer: multimedia.Author(user), video: video}
	ch.SendAfter(s.Assigns, time.Until(s.Assigns.ExpiresAt))
	viewer := Viewer{Name: user.Name, OnlineAt: time.Now().Unix()}
	if err := app.viewers.Track(ctx, ch, strconv.FormatInt(user.ID, 10), viewer); err != nil {
		return Joined{}, err
	}
	if err := app.viewers.PushState(ctx, ch); err != nil {
		return Joined{}, err
	}
	joined := Joined{Node: app.node, Resumed: ch.Resumed()}
	if err := app.tellMutes(ctx, &ch.State, &joined); err != nil {
		return Joined{}, err
	}
	if joined.Resumed {
		return joined, nil
	}
	if joined.Page, err = app.page(ctx, &ch.State, p.Revision); err != nil {
		return Joined{}, err
	}
	joined.Messages, err = app.lastMessages(ctx, &ch.State)
	return joined, err
}

// goesOn refuses a session that ended while its socket was being opened, when
// Disconnect did not find that yet.
func (app *App) goesOn(ctx context.Context, s *roost.Socket[accounts.Session]) error {
	_, err := app.accounts.SessionByID(ctx, s.Assigns.ID)
	if errors.Is(err, accounts.ErrNoSession) {
		s.Disconnect()
		return &roost.Error{Reason: "unauthorized", Cause: err}
	}
	return err
}

// sessionExpires is for when a page has been open for longer than its session
// lasts. Its socket was let in once; nothing else would end it.
func (app *App) sessionExpires(ctx context.Context, _ *roost.Channel[watching], session accounts.Session) error {
	return app.Disconnect(ctx, session)
}

// video returns the video that a topic is about.
func (app *App) video(ctx context.Context, param string) (multimedia.Video, error) {
	errNotFound := &roost.Error{Reason: "not found", Cause: multimedia.ErrNotFound}
	id, err := strconv.ParseInt(param, 10, 64)
	if err != nil || strconv.FormatInt(id, 10) != param { // "videos:07" would be a topic of its own
		return multimedia.Video{}, errNotFound
	}
	video, err := app.multimedia.Video(ctx, id)
	return video, refusal(err)
}

// topic is that of a video.
func topic(videoID int64) string { return "videos:" + strconv.FormatInt(videoID, 10) }

// endVideo is for when the video is gone.
func (app *App) endVideo(ctx context.Context, ch *roost.Channel[watching], v Deleted) (Deleted, bool, error) {
	if err := ch.Push(ctx, VideoDeleted, v); err != nil {
		return v, false, err
	}
	return v, false, roost.Stop(nil)
}

// announce tells all others of a change that is stored, even if who made it has
// left meanwhile. What is not in the history is missed by those who are back, so
// it is tried again while the engine is away. Told twice, it is shown once.
func (app *App) announce[T any](ctx context.Context, ch *roost.Channel[watching], out roost.Out[T], v T) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), announceTimeout)
	defer cancel()
	for {
		err := ch.BroadcastFrom(ctx, out, v)
		if err == nil {
			return
		}
		select {
		case <-time.After(announcePause):
		case <-ctx.Done():
			app.log.ErrorContext(ctx, "change not announced: pages that are open do not show it",
				"event", out.Name(), "topic", ch.Topic(), "error", err)
			return
		}
	}
}

// refusal tells a client what it did wrong, in the form in which Roost does.
func refusal(err error) error {
	problems, isInvalid := errors.AsType[field.Errors](err)
	switch {
	case isInvalid:
		first := slices.Min(slices.Collect(maps.Keys(problems)))
		return roost.Invalid(first, problems[first])
	case errors.Is(err, multimedia.ErrNotFound):
		return &roost.Error{Reason: "not found", Cause: err}
	case errors.Is(err, multimedia.ErrNotOwner):
		return &roost.Error{Reason: "not allowed", Cause: err}
	case errors.Is(err, multimedia.ErrMuted):
		return &roost.Error{Reason: "muted", Cause: err}
	}
	return err
}

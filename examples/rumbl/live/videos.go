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
	// announceTimeout bounds how long an annotation that is stored may wait
	// for its way to the viewers: embedded nodes that lose one may need two
	// elections of up to 9 s. announcePause is how soon it is tried again.
	announceTimeout = 30 * time.Second
	announcePause   = 250 * time.Millisecond
)

// watching is the state of one page's conversation about one video.
type watching struct {
	viewer  multimedia.Author
	videoID int64
}

func (app *App) videos() *roost.Handler[accounts.Session, watching] {
	videos := roost.NewHandler(app.join, nil)
	videos.HandleIn(NewAnnotation, app.newAnnotation)
	videos.HandleIn(MoreAnnotations, app.moreAnnotations)
	videos.Emits(AnnotationAdded, VideoDeleted)
	videos.Tracks(app.viewers)
	return videos
}

// join brings a viewer up to date. One who is back gets what was missed from the
// history, behind the reply; anybody else, and who was away for too long, gets
// it from the database, in the reply. Whatever is annotated from here on comes
// live after that; an annotation may come both ways, and a client knows it by
// its id.
func (app *App) join(ctx context.Context, ch *roost.Channel[watching], s *roost.Socket[accounts.Session], p JoinVideo) (Joined, error) {
	video, err := app.video(ctx, ch.Param("id"))
	if err != nil {
		return Joined{}, err
	}
	user := s.Assigns.User
	ch.State = watching{viewer: multimedia.Author(user), videoID: video.ID}
	viewer := Viewer{Name: user.Name, OnlineAt: time.Now().Unix()}
	if err := app.viewers.Track(ctx, ch, strconv.FormatInt(user.ID, 10), viewer); err != nil {
		return Joined{}, err
	}
	if err := app.viewers.PushState(ctx, ch); err != nil {
		return Joined{}, err
	}
	joined := Joined{Node: app.node}
	if !ch.Resumed() {
		joined.Page, err = app.page(ctx, video.ID, p.LastSeenID)
	}
	return joined, err
}

// video returns the video that a topic is about.
func (app *App) video(ctx context.Context, param string) (multimedia.Video, error) {
	errNotFound := &roost.Error{Reason: "not found", Cause: multimedia.ErrNotFound}
	id, err := strconv.ParseInt(param, 10, 64)
	if err != nil || strconv.FormatInt(id, 10) != param { // "videos:07" would be a topic of its own
		return multimedia.Video{}, errNotFound
	}
	video, err := app.multimedia.Video(ctx, id)
	if errors.Is(err, multimedia.ErrNotFound) {
		return multimedia.Video{}, errNotFound
	}
	return video, err
}

func (app *App) newAnnotation(ctx context.Context, ch *roost.Channel[watching], in AnnotationInput) (roost.Ack, error) {
	at := time.Duration(in.At) * time.Millisecond
	a, err := app.multimedia.Annotate(ctx, ch.State.videoID, ch.State.viewer, at, in.Body)
	if err != nil {
		return roost.Ack{}, refusal(err)
	}
	app.announce(ctx, ch, toAnnotation(a))
	return roost.Ack{}, nil
}

// announce tells the viewers of an annotation that is stored, even if its author
// has left meanwhile. What is not in the history is missed by those who are
// back, so it is tried again while the engine is away. Told twice, an
// annotation is shown once.
func (app *App) announce(ctx context.Context, ch *roost.Channel[watching], a Annotation) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), announceTimeout)
	defer cancel()
	for {
		err := ch.Broadcast(ctx, AnnotationAdded, a)
		if err == nil {
			return
		}
		select {
		case <-time.After(announcePause):
		case <-ctx.Done():
			app.log.ErrorContext(ctx, "annotation not announced: pages that are open do not show it", "annotation", a.ID, "error", err)
			return
		}
	}
}

func (app *App) moreAnnotations(ctx context.Context, ch *roost.Channel[watching], p JoinVideo) (Page, error) {
	return app.page(ctx, ch.State.videoID, p.LastSeenID)
}

func (app *App) page(ctx context.Context, videoID, after int64) (Page, error) {
	found, err := app.multimedia.AnnotationsAfter(ctx, videoID, after, pageSize+1)
	if err != nil {
		return Page{}, err
	}
	page := Page{Annotations: []Annotation{}, More: len(found) > pageSize}
	for _, a := range found[:min(len(found), pageSize)] {
		page.Annotations = append(page.Annotations, toAnnotation(a))
	}
	return page, nil
}

// refusal tells a client what it did wrong, in the form in which Roost does.
func refusal(err error) error {
	problems, ok := errors.AsType[field.Errors](err)
	if !ok {
		return err
	}
	first := slices.Min(slices.Collect(maps.Keys(problems)))
	return roost.Invalid(first, problems[first])
}

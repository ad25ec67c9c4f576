package live

import (
	"context"
	"errors"

	"github.com/roost-dev/roost"

	"rumbl/step7/store"
)

// What goes over the topics "videos:<id>".
var (
	NewAnnotation   = roost.NewIn[AnnotationInput, roost.Ack]("new_annotation")
	AnnotationAdded = roost.NewOut[Annotation]("annotation_added")
)

// JoinVideo is what a page joins with: the last annotation that a join brought
// it before. 0: none.
type JoinVideo struct {
	LastSeenID int64 `json:"last_seen_id"`
}

// Joined is the reply to who joins "videos:<id>".
type Joined struct {
	Title       string       `json:"title"`
	Annotations []Annotation `json:"annotations"` // after the last one seen
}

// AnnotationInput is an annotation that a visitor writes.
type AnnotationInput struct {
	At   int64  `json:"at"` // milliseconds since the video's beginning
	Body string `json:"body"`
}

// Validate is called by Roost on what a page sent.
func (in AnnotationInput) Validate() error {
	switch {
	case in.At < 0:
		return roost.Invalid("at", "must not be negative")
	case in.Body == "" || len(in.Body) > 1000:
		return roost.Invalid("body", "must have 1 to 1000 bytes")
	}
	return nil
}

// Annotation is an annotation as everybody sees it.
type Annotation struct {
	ID   int64  `json:"id"`
	By   string `json:"by"`
	At   int64  `json:"at"` // milliseconds since the video's beginning
	Body string `json:"body"`
}

// watching is the state of one page's conversation about one video.
type watching struct{ visitor Visitor }

func (app *App) videos() *roost.Handler[Visitor, watching] {
	videos := roost.NewHandler(app.joinVideo, nil)
	videos.HandleIn(NewAnnotation, app.newAnnotation)
	videos.Emits(AnnotationAdded)
	videos.Tracks(app.viewers)
	return videos
}

func (app *App) joinVideo(ctx context.Context, ch *roost.Channel[watching], s *roost.Socket[Visitor], p JoinVideo) (Joined, error) {
	ch.State.visitor = s.Assigns
	title, err := app.store.Title(ctx, ch.Param("id"))
	if errors.Is(err, store.ErrNotFound) {
		return Joined{}, &roost.Error{Reason: "not found"}
	}
	if err != nil {
		return Joined{}, err
	}
	if err := app.trackViewer(ctx, ch); err != nil {
		return Joined{}, err
	}
	joined := Joined{Title: title, Annotations: []Annotation{}}
	if ch.Resumed() {
		return joined, nil // what was missed follows from the history
	}
	missed, err := app.store.After(ctx, ch.Param("id"), p.LastSeenID)
	for _, a := range missed {
		joined.Annotations = append(joined.Annotations, Annotation(a))
	}
	return joined, err
}

func (app *App) newAnnotation(ctx context.Context, ch *roost.Channel[watching], in AnnotationInput) (roost.Ack, error) {
	added, err := app.store.Annotate(ctx, ch.Param("id"), store.Annotation{By: ch.State.visitor.Name, At: in.At, Body: in.Body})
	if err != nil {
		return roost.Ack{}, err
	}
	return roost.Ack{}, ch.Broadcast(ctx, AnnotationAdded, Annotation(added))
}

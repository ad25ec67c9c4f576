package live

import (
	"context"

	"github.com/roost-dev/roost"
)

// titles are of the videos that there are, by their ids.
var titles = map[string]string{"1": "A day in the hills"}

// What goes over the topics "videos:<id>".
var (
	NewAnnotation   = roost.NewIn[AnnotationInput, roost.Ack]("new_annotation")
	AnnotationAdded = roost.NewOut[Annotation]("annotation_added")
)

// Joined is the reply to who joins "videos:<id>".
type Joined struct {
	Title string `json:"title"`
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
	By   string `json:"by"`
	At   int64  `json:"at"` // milliseconds since the video's beginning
	Body string `json:"body"`
}

// watching is the state of one page's conversation about one video.
type watching struct{ visitor Visitor }

func videos() *roost.Handler[Visitor, watching] {
	videos := roost.NewHandler(joinVideo, nil)
	videos.HandleIn(NewAnnotation, newAnnotation)
	videos.Emits(AnnotationAdded)
	return videos
}

func joinVideo(_ context.Context, ch *roost.Channel[watching], s *roost.Socket[Visitor], _ struct{}) (Joined, error) {
	title, found := titles[ch.Param("id")]
	if !found {
		return Joined{}, &roost.Error{Reason: "not found"}
	}
	ch.State.visitor = s.Assigns
	return Joined{Title: title}, nil
}

func newAnnotation(ctx context.Context, ch *roost.Channel[watching], in AnnotationInput) (roost.Ack, error) {
	added := Annotation{By: ch.State.visitor.Name, At: in.At, Body: in.Body}
	return roost.Ack{}, ch.Broadcast(ctx, AnnotationAdded, added)
}

// Package multimedia knows the videos of Rumbl and what people noted at which
// moment of them. It knows nothing of HTTP, of channels, or of where it is all
// kept.
package multimedia

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/field"
)

// Limits of what people may send.
const (
	MaxTitle       = 100  // characters
	MaxDescription = 1000 // characters
	MaxBody        = 280  // characters of an annotation
	MaxAt          = 24 * time.Hour
	MaxPage        = 200 // items returned at once
	MaxWords       = 8   // that a search goes by; the rest is ignored
)

// Errors that callers tell apart.
var (
	// ErrNotFound is returned for a video that does not exist.
	ErrNotFound = errors.New("multimedia: not found")
	// ErrNotOwner is returned to who wants to change a video of somebody else's.
	ErrNotOwner = errors.New("multimedia: not the owner's doing")
)

// Author is who added a video or wrote an annotation.
type Author struct {
	ID       int64
	Username string
	Name     string
}

// Annotation is a remark about one moment of a video.
type Annotation struct {
	ID        int64 // grows with each annotation that is added, over all videos
	VideoID   int64
	Author    Author
	At        time.Duration // since the video's beginning, in whole milliseconds
	Body      string
	CreatedAt time.Time
}

// Service is the entry to this package. It is safe for concurrent use.
type Service struct {
	store Store
}

// New returns a Service that keeps everything in store.
func New(store Store) *Service {
	return &Service{store: store}
}

// Annotate adds an annotation to a video. The error is a field.Errors if at or
// body is at fault.
func (s *Service) Annotate(ctx context.Context, videoID int64, author Author, at time.Duration, body string) (Annotation, error) {
	problems := field.Errors{}
	a := Annotation{
		VideoID:   videoID,
		Author:    author,
		At:        at.Truncate(time.Millisecond),
		Body:      problems.Line("body", body, 1, MaxBody),
		CreatedAt: now(),
	}
	if at < 0 || at > MaxAt {
		problems.Add("at", fmt.Sprintf("must be a time from 0 to %v", MaxAt))
	}
	if err := problems.Err(); err != nil {
		return Annotation{}, err
	}
	var err error
	if a.ID, err = s.store.InsertAnnotation(ctx, a); err != nil {
		return Annotation{}, fmt.Errorf("multimedia: annotate video %d: %w", videoID, err)
	}
	return a, nil
}

// AnnotationsAfter returns the annotations of a video with an id greater than
// after, up to MaxPage of them by growing id; 0 is from the beginning. Having
// got some, asking again with the last one's id misses none that was added
// meanwhile.
func (s *Service) AnnotationsAfter(ctx context.Context, videoID, after int64, limit int) ([]Annotation, error) {
	annotations, err := s.store.AnnotationsAfter(ctx, videoID, after, bound(limit))
	if err != nil {
		return nil, fmt.Errorf("multimedia: annotations of video %d: %w", videoID, err)
	}
	return annotations, nil
}

func bound(limit int) int {
	return min(max(limit, 1), MaxPage)
}

// now is the time as stores keep it.
func now() time.Time {
	return time.Now().UTC().Truncate(time.Millisecond)
}

package multimedia

import (
	"context"
	"fmt"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/field"
)

// Annotation is a remark about one moment of a video.
type Annotation struct {
	ID      int64 // grows with each annotation that is added, over all videos
	VideoID int64
	// Revision is that of the video's annotations when this one was last
	// changed: with each change to one of them it grows.
	Revision  int64
	Author    Author
	At        time.Duration // since the video's beginning, in whole milliseconds
	Body      string
	Edited    bool
	Muted     bool // written by one who was muted: only he and the video's owner get to see it
	Removed   bool // nothing is left of it
	CreatedAt time.Time
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
	a, err := s.store.InsertAnnotation(ctx, a)
	if err != nil {
		return Annotation{}, fmt.Errorf("multimedia: annotate video %d: %w", videoID, err)
	}
	return a, nil
}

// EditAnnotation changes what an annotation says. It returns ErrNotOwner to
// all but its author, ErrMuted to one who was not muted when he wrote it and is
// now, since all would see it, and a field.Errors if body is at fault.
func (s *Service) EditAnnotation(ctx context.Context, videoID, id, editor int64, body string) (Annotation, error) {
	problems := field.Errors{}
	body = problems.Line("body", body, 1, MaxBody)
	if err := problems.Err(); err != nil {
		return Annotation{}, err
	}
	a, err := s.store.Annotation(ctx, videoID, id)
	if err == nil && a.Author.ID != editor {
		err = ErrNotOwner
	}
	if err == nil && !a.Muted {
		err = s.mayBeHeard(ctx, videoID, editor)
	}
	if err == nil {
		a.Body, a.Edited = body, true
		a.Revision, err = s.store.ChangeAnnotation(ctx, a)
	}
	if err != nil {
		return Annotation{}, fmt.Errorf("multimedia: edit annotation %d: %w", id, err)
	}
	return a, nil
}

// RemoveAnnotation removes an annotation. It returns ErrNotOwner to all but
// its author and the video's owner.
func (s *Service) RemoveAnnotation(ctx context.Context, videoID, id, remover int64) (Annotation, error) {
	a, err := s.store.Annotation(ctx, videoID, id)
	if err == nil && a.Author.ID != remover {
		err = s.mustOwn(ctx, videoID, remover)
	}
	if err == nil {
		a.Body, a.Removed = "", true
		a.Revision, err = s.store.ChangeAnnotation(ctx, a)
	}
	if err != nil {
		return Annotation{}, fmt.Errorf("multimedia: remove annotation %d: %w", id, err)
	}
	return a, nil
}

// AnnotationsAfter returns, of the annotations of a video that viewer may see,
// those with a revision greater than after, up to MaxPage of them by growing
// revision; 0 is from the beginning. Having got some, asking again with the last
// one's revision misses no change that was made meanwhile. That includes what
// was removed, unless one asks from the beginning.
func (s *Service) AnnotationsAfter(ctx context.Context, videoID, viewer, after int64, limit int) ([]Annotation, error) {
	annotations, err := s.store.AnnotationsAfter(ctx, videoID, viewer, after, bound(limit))
	if err != nil {
		return nil, fmt.Errorf("multimedia: annotations of video %d: %w", videoID, err)
	}
	return annotations, nil
}

// Package multimedia knows the videos of Rumbl, what people noted at which
// moment of them, and what they said to each other. It knows nothing of HTTP, of channels, or of where it is all
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
	MaxBody        = 280  // characters of an annotation, and of a message
	MaxAt          = 24 * time.Hour
	MaxPage        = 200 // items returned at once
)

// Errors of a Service. What is returned may wrap them.
var (
	ErrNotFound   = errors.New("multimedia: not found")    // there is no such video, annotation or person
	ErrNotAllowed = errors.New("multimedia: not allowed")  // it is for somebody else to do
	ErrMuted      = errors.New("multimedia: muted viewer") // who is muted may not do it
)

// Author is who added a video or wrote an annotation.
type Author struct {
	ID       int64
	Username string
	Name     string
}

// Video is a video that people watch together.
type Video struct {
	ID          int64
	Owner       Author
	Title       string
	Description string
	Source      Source
	Annotations int64 // how many it has; set by Videos only
	CreatedAt   time.Time
}

// NewVideo is what a person fills in to add a video.
type NewVideo struct {
	Title       string
	Description string
	URL         string // see ParseSource
}

// Service is the entry to this package. It is safe for concurrent use.
type Service struct {
	store Store
}

// New returns a Service that keeps everything in store.
func New(store Store) *Service {
	return &Service{store: store}
}

// AddVideo adds a video of owner's. The error is a field.Errors if something
// that was filled in is at fault.
func (s *Service) AddVideo(ctx context.Context, owner Author, v NewVideo) (Video, error) {
	problems := field.Errors{}
	video := Video{
		Owner:       owner,
		Title:       problems.Line("title", v.Title, 1, MaxTitle),
		Description: problems.Text("description", v.Description, 0, MaxDescription),
		CreatedAt:   now(),
	}
	source, err := ParseSource(v.URL)
	if err != nil {
		problems.Add("url", err.Error())
	}
	video.Source = source
	if err := problems.Err(); err != nil {
		return Video{}, err
	}
	if video.ID, err = s.store.InsertVideo(ctx, video); err != nil {
		return Video{}, fmt.Errorf("multimedia: add video: %w", err)
	}
	return video, nil
}

// Videos returns up to MaxPage videos, the newest first. With before, only
// those added before the video with that id.
func (s *Service) Videos(ctx context.Context, before int64, limit int) ([]Video, error) {
	videos, err := s.store.Videos(ctx, before, bound(limit))
	if err != nil {
		return nil, fmt.Errorf("multimedia: list videos: %w", err)
	}
	return videos, nil
}

// Video returns the video with that id, or ErrNotFound.
func (s *Service) Video(ctx context.Context, id int64) (Video, error) {
	video, err := s.store.Video(ctx, id)
	if err != nil {
		return Video{}, fmt.Errorf("multimedia: video %d: %w", id, err)
	}
	return video, nil
}

func bound(limit int) int {
	return min(max(limit, 1), MaxPage)
}

// now is the time as stores keep it.
func now() time.Time {
	return time.Now().UTC().Truncate(time.Millisecond)
}

// Package multimedia knows the videos of Rumbl, what people noted at which
// moment of them, and what they said to each other. It knows nothing of HTTP, of
// channels, or of where it is all kept.
package multimedia

import (
	"errors"
	"time"
)

// Limits of what people may send.
const (
	MaxTitle       = 100  // characters
	MaxDescription = 1000 // characters
	MaxBody        = 280  // characters of an annotation, and of a message
	MaxAt          = 24 * time.Hour
	MaxPage        = 200 // items returned at once
	MaxWords       = 8   // that a search goes by; the rest is ignored
)

// Errors that callers tell apart.
var (
	// ErrNotFound is returned for a video, an annotation or a person that does
	// not exist.
	ErrNotFound = errors.New("multimedia: not found")
	// ErrNotOwner is returned to who wants to change what is somebody else's.
	ErrNotOwner = errors.New("multimedia: not the owner's doing")
	// ErrMuted is returned to one who is muted and would be heard all the same.
	ErrMuted = errors.New("multimedia: muted")
)

// Author is who added a video or wrote an annotation.
type Author struct {
	ID       int64
	Username string
	Name     string
}

// Service is the entry to this package. It is safe for concurrent use.
type Service struct {
	store Store
}

// New returns a Service that keeps everything in store.
func New(store Store) *Service {
	return &Service{store: store}
}

func bound(limit int) int {
	return min(max(limit, 1), MaxPage)
}

// now is the time as stores keep it.
func now() time.Time {
	return time.Now().UTC().Truncate(time.Millisecond)
}

package multimedia

import (
	"context"
	"fmt"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/field"
)

// Message is what somebody said to the others who watch a video.
type Message struct {
	ID        int64 // grows with each message
	VideoID   int64
	Author    Author
	Body      string
	Muted     bool // said by one who was muted: only he and the video's owner get to see it
	CreatedAt time.Time
}

// Say adds a message. The error is a field.Errors if body is at fault.
func (s *Service) Say(ctx context.Context, videoID int64, author Author, body string) (Message, error) {
	problems := field.Errors{}
	m := Message{VideoID: videoID, Author: author, Body: problems.Line("body", body, 1, MaxBody), CreatedAt: now()}
	if err := problems.Err(); err != nil {
		return Message{}, err
	}
	m, err := s.store.InsertMessage(ctx, m)
	if err != nil {
		return Message{}, fmt.Errorf("multimedia: say something on video %d: %w", videoID, err)
	}
	return m, nil
}

// LatestMessages returns the last messages on a video that viewer may see, up
// to MaxPage of them, the newest last.
func (s *Service) LatestMessages(ctx context.Context, videoID, viewer int64, limit int) ([]Message, error) {
	messages, err := s.store.LatestMessages(ctx, videoID, viewer, bound(limit))
	if err != nil {
		return nil, fmt.Errorf("multimedia: messages on video %d: %w", videoID, err)
	}
	return messages, nil
}

// Mute has nobody but themselves and the video's owner see what a viewer writes
// from now on, or ends that, and returns the viewer. It returns ErrNotOwner to
// all but the owner, and to him about himself.
func (s *Service) Mute(ctx context.Context, videoID, owner, viewer int64, muted bool) (Author, error) {
	err := s.mustOwn(ctx, videoID, owner)
	if err == nil && viewer == owner {
		err = ErrNotOwner
	}
	var author Author
	if err == nil {
		author, err = s.store.Author(ctx, viewer)
	}
	switch {
	case err != nil:
	case muted:
		err = s.store.InsertMute(ctx, videoID, viewer)
	default:
		err = s.store.DeleteMute(ctx, videoID, viewer)
	}
	if err != nil {
		return Author{}, fmt.Errorf("multimedia: mute user %d on video %d: %w", viewer, videoID, err)
	}
	return author, nil
}

// Muted returns who is muted on a video, by username.
func (s *Service) Muted(ctx context.Context, videoID int64) ([]Author, error) {
	muted, err := s.store.Muted(ctx, videoID)
	if err != nil {
		return nil, fmt.Errorf("multimedia: who is muted on video %d: %w", videoID, err)
	}
	return muted, nil
}

// IsMuted tells whether a viewer is muted on a video.
func (s *Service) IsMuted(ctx context.Context, videoID, viewer int64) (bool, error) {
	muted, err := s.store.IsMuted(ctx, videoID, viewer)
	if err != nil {
		return false, fmt.Errorf("multimedia: whether user %d is muted on video %d: %w", viewer, videoID, err)
	}
	return muted, nil
}

func (s *Service) mayBeHeard(ctx context.Context, videoID, viewer int64) error {
	muted, err := s.store.IsMuted(ctx, videoID, viewer)
	if err == nil && muted {
		err = ErrMuted
	}
	return err
}

func (s *Service) mustOwn(ctx context.Context, videoID, user int64) error {
	video, err := s.store.Video(ctx, videoID)
	if err == nil && video.Owner.ID != user {
		err = ErrNotOwner
	}
	return err
}

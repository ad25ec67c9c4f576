package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store/postgres/sqlgen"
)

// InsertAnnotation implements multimedia.Store. The query locks the video, so
// that revisions become visible in growing order, on every node.
func (s *Store) InsertAnnotation(ctx context.Context, a multimedia.Annotation) (multimedia.Annotation, error) {
	row, err := s.queries.InsertAnnotation(ctx, sqlgen.InsertAnnotationParams{
		VideoID:   a.VideoID,
		UserID:    a.Author.ID,
		AtMs:      a.At.Milliseconds(),
		Body:      a.Body,
		CreatedAt: a.CreatedAt,
	})
	a.ID, a.Revision, a.Muted = row.ID, row.Revision, row.Muted
	return a, found(err)
}

// ChangeAnnotation implements multimedia.Store.
func (s *Store) ChangeAnnotation(ctx context.Context, a multimedia.Annotation) (int64, error) {
	revision, err := s.queries.ChangeAnnotation(ctx, sqlgen.ChangeAnnotationParams{
		VideoID: a.VideoID, ID: a.ID, Body: a.Body, Removed: a.Removed,
	})
	return revision, found(err)
}

// Annotation implements multimedia.Store.
func (s *Store) Annotation(ctx context.Context, videoID, id int64) (multimedia.Annotation, error) {
	row, err := s.queries.Annotation(ctx, sqlgen.AnnotationParams{VideoID: videoID, ID: id})
	return annotation(row.Annotation, row.Username, row.Name), found(err)
}

// AnnotationsAfter implements multimedia.Store.
func (s *Store) AnnotationsAfter(ctx context.Context, videoID, viewer, after int64, limit int) ([]multimedia.Annotation, error) {
	rows, err := s.queries.AnnotationsAfter(ctx, sqlgen.AnnotationsAfterParams{
		VideoID: videoID, ViewerID: viewer, After: after, Most: int64(limit),
	})
	annotations := make([]multimedia.Annotation, 0, len(rows))
	for _, row := range rows {
		annotations = append(annotations, annotation(row.Annotation, row.Username, row.Name))
	}
	return annotations, err
}

// InsertMessage implements multimedia.Store.
func (s *Store) InsertMessage(ctx context.Context, m multimedia.Message) (multimedia.Message, error) {
	row, err := s.queries.InsertMessage(ctx, sqlgen.InsertMessageParams{
		VideoID: m.VideoID, UserID: m.Author.ID, Body: m.Body, CreatedAt: m.CreatedAt,
	})
	m.ID, m.Muted = row.ID, row.Muted
	return m, found(err)
}

// LatestMessages implements multimedia.Store.
func (s *Store) LatestMessages(ctx context.Context, videoID, viewer int64, limit int) ([]multimedia.Message, error) {
	rows, err := s.queries.LatestMessages(ctx, sqlgen.LatestMessagesParams{VideoID: videoID, ViewerID: viewer, Most: int64(limit)})
	messages := make([]multimedia.Message, 0, len(rows))
	for _, row := range slices.Backward(rows) {
		messages = append(messages, multimedia.Message{
			ID:        row.Message.ID,
			VideoID:   row.Message.VideoID,
			Author:    multimedia.Author{ID: row.Message.UserID, Username: row.Username, Name: row.Name},
			Body:      row.Message.Body,
			Muted:     row.Message.Muted,
			CreatedAt: row.Message.CreatedAt.UTC(),
		})
	}
	return messages, err
}

// Author implements multimedia.Store.
func (s *Store) Author(ctx context.Context, id int64) (multimedia.Author, error) {
	row, err := s.queries.Author(ctx, id)
	return multimedia.Author(row), found(err)
}

// InsertMute implements multimedia.Store.
func (s *Store) InsertMute(ctx context.Context, videoID, userID int64) error {
	return s.queries.InsertMute(ctx, sqlgen.InsertMuteParams{VideoID: videoID, UserID: userID})
}

// DeleteMute implements multimedia.Store.
func (s *Store) DeleteMute(ctx context.Context, videoID, userID int64) error {
	return s.queries.DeleteMute(ctx, sqlgen.DeleteMuteParams{VideoID: videoID, UserID: userID})
}

// Muted implements multimedia.Store.
func (s *Store) Muted(ctx context.Context, videoID int64) ([]multimedia.Author, error) {
	rows, err := s.queries.Muted(ctx, videoID)
	muted := make([]multimedia.Author, 0, len(rows))
	for _, row := range rows {
		muted = append(muted, multimedia.Author(row))
	}
	return muted, err
}

// IsMuted implements multimedia.Store.
func (s *Store) IsMuted(ctx context.Context, videoID, userID int64) (bool, error) {
	muted, err := s.queries.IsMuted(ctx, sqlgen.IsMutedParams{VideoID: videoID, UserID: userID})
	return muted, err
}

func annotation(a sqlgen.Annotation, username, name string) multimedia.Annotation {
	return multimedia.Annotation{
		ID:        a.ID,
		VideoID:   a.VideoID,
		Revision:  a.Revision,
		Author:    multimedia.Author{ID: a.UserID, Username: username, Name: name},
		At:        time.Duration(a.AtMs) * time.Millisecond,
		Body:      a.Body,
		Edited:    a.Edited,
		Muted:     a.Muted,
		Removed:   a.Removed,
		CreatedAt: a.CreatedAt.UTC(),
	}
}

// found says in the words of package multimedia that there was no row.
func found(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return multimedia.ErrNotFound
	}
	return err
}

package postgres

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store/postgres/sqlgen"
)

var _ multimedia.Store = (*Store)(nil)

// InsertVideo implements multimedia.Store.
func (s *Store) InsertVideo(ctx context.Context, v multimedia.Video) (int64, error) {
	return s.queries.InsertVideo(ctx, sqlgen.InsertVideoParams{
		UserID:      v.Owner.ID,
		Title:       v.Title,
		Description: v.Description,
		SourceKind:  string(v.Source.Kind),
		SourceRef:   v.Source.Ref,
		CreatedAt:   v.CreatedAt,
	})
}

// Video implements multimedia.Store.
func (s *Store) Video(ctx context.Context, id int64) (multimedia.Video, error) {
	row, err := s.queries.Video(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return multimedia.Video{}, multimedia.ErrNotFound
	}
	return video(row.Video, row.Username, row.Name), err
}

// Videos implements multimedia.Store.
func (s *Store) Videos(ctx context.Context, before int64, limit int) ([]multimedia.Video, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	rows, err := s.queries.Videos(ctx, sqlgen.VideosParams{Before: before, Most: int64(limit)})
	if err != nil {
		return nil, err
	}
	videos := make([]multimedia.Video, 0, len(rows))
	for _, row := range rows {
		v := video(row.Video, row.Username, row.Name)
		v.Annotations = row.Annotations
		videos = append(videos, v)
	}
	return videos, nil
}

// InsertAnnotation implements multimedia.Store. The query locks the video, so
// that its annotations become visible in growing order, on every node.
func (s *Store) InsertAnnotation(ctx context.Context, a multimedia.Annotation) (int64, error) {
	id, err := s.queries.InsertAnnotation(ctx, sqlgen.InsertAnnotationParams{
		VideoID:   a.VideoID,
		UserID:    a.Author.ID,
		AtMs:      a.At.Milliseconds(),
		Body:      a.Body,
		CreatedAt: a.CreatedAt,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, multimedia.ErrNotFound
	}
	return id, err
}

// AnnotationsAfter implements multimedia.Store.
func (s *Store) AnnotationsAfter(ctx context.Context, videoID, after int64, limit int) ([]multimedia.Annotation, error) {
	rows, err := s.queries.AnnotationsAfter(ctx, sqlgen.AnnotationsAfterParams{VideoID: videoID, After: after, Most: int64(limit)})
	if err != nil {
		return nil, err
	}
	annotations := make([]multimedia.Annotation, 0, len(rows))
	for _, row := range rows {
		annotations = append(annotations, multimedia.Annotation{
			ID:        row.Annotation.ID,
			VideoID:   row.Annotation.VideoID,
			Author:    multimedia.Author{ID: row.Annotation.UserID, Username: row.Username, Name: row.Name},
			At:        time.Duration(row.Annotation.AtMs) * time.Millisecond,
			Body:      row.Annotation.Body,
			CreatedAt: row.Annotation.CreatedAt.UTC(),
		})
	}
	return annotations, nil
}

func video(v sqlgen.Video, username, name string) multimedia.Video {
	return multimedia.Video{
		ID:          v.ID,
		Owner:       multimedia.Author{ID: v.UserID, Username: username, Name: name},
		Title:       v.Title,
		Description: v.Description,
		Source:      multimedia.Source{Kind: multimedia.Kind(v.SourceKind), Ref: v.SourceRef},
		CreatedAt:   v.CreatedAt.UTC(),
	}
}

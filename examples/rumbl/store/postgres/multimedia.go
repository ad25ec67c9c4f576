package postgres

import (
	"context"
	"errors"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store/postgres/sqlgen"
)

var _ multimedia.Store = (*Store)(nil)

// InsertVideo implements multimedia.Store.
func (s *Store) InsertVideo(ctx context.Context, v multimedia.Video) (int64, error) {
	return s.queries.InsertVideo(ctx, sqlgen.InsertVideoParams{
		UserID:      v.Owner.ID,
		CategoryID:  categoryID(v.Category),
		Title:       v.Title,
		Description: v.Description,
		SourceKind:  string(v.Source.Kind),
		SourceRef:   v.Source.Ref,
		SearchText:  v.SearchText(),
		CreatedAt:   v.CreatedAt,
	})
}

// UpdateVideo implements multimedia.Store.
func (s *Store) UpdateVideo(ctx context.Context, v multimedia.Video) error {
	n, err := s.queries.UpdateVideo(ctx, sqlgen.UpdateVideoParams{
		ID:          v.ID,
		CategoryID:  categoryID(v.Category),
		Title:       v.Title,
		Description: v.Description,
		SourceKind:  string(v.Source.Kind),
		SourceRef:   v.Source.Ref,
		SearchText:  v.SearchText(),
	})
	if err == nil && n == 0 {
		return multimedia.ErrNotFound
	}
	return err
}

// DeleteVideo implements multimedia.Store.
func (s *Store) DeleteVideo(ctx context.Context, id int64) error {
	return s.queries.DeleteVideo(ctx, id)
}

// Video implements multimedia.Store.
func (s *Store) Video(ctx context.Context, id int64) (multimedia.Video, error) {
	row, err := s.queries.Video(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return multimedia.Video{}, multimedia.ErrNotFound
	}
	return video(row.Video, row.Username, row.Name, row.Category), err
}

// Videos implements multimedia.Store.
func (s *Store) Videos(ctx context.Context, l multimedia.Listing, words []string) ([]multimedia.Video, error) {
	before := l.Before
	if before <= 0 {
		before = math.MaxInt64
	}
	rows, err := s.queries.Videos(ctx, sqlgen.VideosParams{
		Before:     before,
		Owner:      l.Owner,
		CategoryID: l.CategoryID,
		Words:      words,
		Most:       int64(l.Limit),
	})
	if err != nil {
		return nil, err
	}
	videos := make([]multimedia.Video, 0, len(rows))
	for _, row := range rows {
		v := video(row.Video, row.Username, row.Name, row.Category)
		v.Annotations = row.Annotations
		videos = append(videos, v)
	}
	return videos, nil
}

// Categories implements multimedia.Store.
func (s *Store) Categories(ctx context.Context) ([]multimedia.Category, error) {
	rows, err := s.queries.Categories(ctx)
	if err != nil {
		return nil, err
	}
	categories := make([]multimedia.Category, 0, len(rows))
	for _, row := range rows {
		categories = append(categories, multimedia.Category(row))
	}
	return categories, nil
}

func video(v sqlgen.Video, username, name string, category pgtype.Text) multimedia.Video {
	return multimedia.Video{
		ID:          v.ID,
		Owner:       multimedia.Author{ID: v.UserID, Username: username, Name: name},
		Category:    multimedia.Category{ID: v.CategoryID.Int64, Name: category.String},
		Title:       v.Title,
		Description: v.Description,
		Source:      multimedia.Source{Kind: multimedia.Kind(v.SourceKind), Ref: v.SourceRef},
		CreatedAt:   v.CreatedAt.UTC(),
	}
}

// categoryID is NULL for a video without a category.
func categoryID(c multimedia.Category) pgtype.Int8 {
	return pgtype.Int8{Int64: c.ID, Valid: c.ID != 0}
}

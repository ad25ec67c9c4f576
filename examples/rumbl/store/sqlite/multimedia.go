package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store/sqlite/sqlgen"
)

var _ multimedia.Store = (*Store)(nil)

// InsertVideo implements multimedia.Store.
func (s *Store) InsertVideo(ctx context.Context, v multimedia.Video) (int64, error) {
	return s.write.InsertVideo(ctx, sqlgen.InsertVideoParams{
		UserID:      v.Owner.ID,
		Title:       v.Title,
		Description: v.Description,
		SourceKind:  string(v.Source.Kind),
		SourceRef:   v.Source.Ref,
		CreatedAt:   toMillis(v.CreatedAt),
	})
}

// Video implements multimedia.Store.
func (s *Store) Video(ctx context.Context, id int64) (multimedia.Video, error) {
	row, err := s.read.Video(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return multimedia.Video{}, multimedia.ErrNotFound
	}
	return video(row.Video, row.Username, row.Name), err
}

// Videos implements multimedia.Store.
func (s *Store) Videos(ctx context.Context, before int64, limit int) ([]multimedia.Video, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	rows, err := s.read.Videos(ctx, sqlgen.VideosParams{Before: before, Most: int64(limit)})
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

func video(v sqlgen.Video, username, name string) multimedia.Video {
	return multimedia.Video{
		ID:          v.ID,
		Owner:       multimedia.Author{ID: v.UserID, Username: username, Name: name},
		Title:       v.Title,
		Description: v.Description,
		Source:      multimedia.Source{Kind: multimedia.Kind(v.SourceKind), Ref: v.SourceRef},
		CreatedAt:   fromMillis(v.CreatedAt),
	}
}

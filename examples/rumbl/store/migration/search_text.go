// Package migration has the migrations that take more than SQL. They are the
// same for every driver.
package migration

import (
	"context"
	"database/sql"
	"errors"

	"github.com/pressly/goose/v3"

	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

// SearchText returns migration 4, which gives every video the search text that
// multimedia.Video.SearchText makes. Migration 2 filled it by SQL's lower(), which
// keeps the accents that a search goes without.
func SearchText() *goose.Migration {
	return goose.NewGoMigration(4, &goose.GoFunc{RunTx: refillSearchText}, nil)
}

func refillSearchText(ctx context.Context, tx *sql.Tx) error {
	stale, err := staleSearchTexts(ctx, tx)
	if err != nil {
		return err
	}
	// A video that another node has changed meanwhile has the right text.
	const refill = "UPDATE videos SET search_text = $1 WHERE id = $2 AND search_text = $3"
	for _, s := range stale {
		if _, err := tx.ExecContext(ctx, refill, s.want, s.videoID, s.got); err != nil {
			return err
		}
	}
	return nil
}

type staleSearchText struct {
	videoID   int64
	got, want string
}

func staleSearchTexts(ctx context.Context, tx *sql.Tx) (stale []staleSearchText, err error) {
	const query = "SELECT videos.id, title, description, search_text, users.name, username " +
		"FROM videos JOIN users ON users.id = videos.user_id"
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var v multimedia.Video
		var got string
		if err := rows.Scan(&v.ID, &v.Title, &v.Description, &got, &v.Owner.Name, &v.Owner.Username); err != nil {
			return nil, err
		}
		if want := v.SearchText(); got != want {
			stale = append(stale, staleSearchText{v.ID, got, want})
		}
	}
	return stale, rows.Err()
}

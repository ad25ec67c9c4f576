-- name: Categories :many
SELECT * FROM categories ORDER BY name;

-- name: InsertVideo :one
INSERT INTO videos (user_id, category_id, title, description, source_kind, source_ref, search_text, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING id;

-- name: UpdateVideo :execrows
UPDATE videos
SET category_id = $1, title = $2, description = $3, source_kind = $4, source_ref = $5, search_text = $6
WHERE id = $7;

-- name: DeleteVideo :exec
DELETE FROM videos WHERE id = $1;

-- name: Video :one
SELECT sqlc.embed(videos), users.username, users.name, categories.name AS category
FROM videos JOIN users ON users.id = videos.user_id
LEFT JOIN categories ON categories.id = videos.category_id
WHERE videos.id = $1;

-- name: Videos :many
SELECT sqlc.embed(videos), users.username, users.name, categories.name AS category,
  (SELECT count(*) FROM annotations WHERE annotations.video_id = videos.id AND NOT annotations.removed AND NOT annotations.muted) AS annotations
FROM videos JOIN users ON users.id = videos.user_id
LEFT JOIN categories ON categories.id = videos.category_id
WHERE videos.id < sqlc.arg(before)
  AND (sqlc.arg(owner)::text = '' OR users.username = sqlc.arg(owner))
  AND (sqlc.arg(category_id)::bigint = 0 OR videos.category_id = sqlc.arg(category_id))
  AND NOT EXISTS (SELECT FROM unnest(sqlc.arg(words)::text[]) AS word WHERE strpos(videos.search_text, word) = 0)
ORDER BY videos.id DESC
LIMIT sqlc.arg(most)::bigint;

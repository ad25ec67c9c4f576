-- name: Categories :many
SELECT * FROM categories ORDER BY name;

-- name: InsertVideo :one
INSERT INTO videos (user_id, category_id, title, description, source_kind, source_ref, search_text, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
RETURNING id;

-- name: UpdateVideo :execrows
UPDATE videos
SET category_id = ?, title = ?, description = ?, source_kind = ?, source_ref = ?, search_text = ?
WHERE id = ?;

-- name: DeleteVideo :exec
DELETE FROM videos WHERE id = ?;

-- name: Video :one
SELECT sqlc.embed(videos), users.username, users.name, categories.name AS category
FROM videos JOIN users ON users.id = videos.user_id
LEFT JOIN categories ON categories.id = videos.category_id
WHERE videos.id = ?;

-- name: Videos :many
SELECT sqlc.embed(videos), users.username, users.name, categories.name AS category,
  (SELECT count(*) FROM annotations WHERE annotations.video_id = videos.id AND NOT annotations.removed AND NOT annotations.muted) AS annotations
FROM videos JOIN users ON users.id = videos.user_id
LEFT JOIN categories ON categories.id = videos.category_id
WHERE videos.id < sqlc.arg(before)
  AND (CAST(sqlc.arg(owner) AS TEXT) = '' OR users.username = sqlc.arg(owner))
  AND (CAST(sqlc.arg(category_id) AS INTEGER) = 0 OR videos.category_id = sqlc.arg(category_id))
  AND NOT EXISTS (SELECT 1 FROM json_each(CAST(sqlc.arg(words) AS TEXT)) AS word WHERE instr(videos.search_text, word.value) = 0)
ORDER BY videos.id DESC
LIMIT sqlc.arg(most);

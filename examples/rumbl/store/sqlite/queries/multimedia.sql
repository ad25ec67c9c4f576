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
  (SELECT count(*) FROM annotations WHERE annotations.video_id = videos.id) AS annotations
FROM videos JOIN users ON users.id = videos.user_id
LEFT JOIN categories ON categories.id = videos.category_id
WHERE videos.id < sqlc.arg(before)
  AND (CAST(sqlc.arg(owner) AS TEXT) = '' OR users.username = sqlc.arg(owner))
  AND (CAST(sqlc.arg(category_id) AS INTEGER) = 0 OR videos.category_id = sqlc.arg(category_id))
  AND NOT EXISTS (SELECT 1 FROM json_each(CAST(sqlc.arg(words) AS TEXT)) AS word WHERE instr(videos.search_text, word.value) = 0)
ORDER BY videos.id DESC
LIMIT sqlc.arg(most);

-- name: InsertAnnotation :one
INSERT INTO annotations (video_id, user_id, at_ms, body, created_at)
SELECT videos.id, CAST(sqlc.arg(user_id) AS INTEGER), CAST(sqlc.arg(at_ms) AS INTEGER), CAST(sqlc.arg(body) AS TEXT), CAST(sqlc.arg(created_at) AS INTEGER)
FROM videos WHERE videos.id = sqlc.arg(video_id)
RETURNING id;

-- name: AnnotationsAfter :many
SELECT sqlc.embed(annotations), users.username, users.name
FROM annotations JOIN users ON users.id = annotations.user_id
WHERE annotations.video_id = sqlc.arg(video_id) AND annotations.id > sqlc.arg(after)
ORDER BY annotations.id
LIMIT sqlc.arg(most);

-- name: InsertVideo :one
INSERT INTO videos (user_id, title, description, source_kind, source_ref, created_at)
VALUES (?, ?, ?, ?, ?, ?)
RETURNING id;

-- name: Video :one
SELECT sqlc.embed(videos), users.username, users.name
FROM videos JOIN users ON users.id = videos.user_id
WHERE videos.id = ?;

-- name: Videos :many
SELECT sqlc.embed(videos), users.username, users.name,
  (SELECT count(*) FROM annotations WHERE annotations.video_id = videos.id AND NOT annotations.removed AND NOT annotations.muted) AS annotations
FROM videos JOIN users ON users.id = videos.user_id
WHERE videos.id < sqlc.arg(before)
ORDER BY videos.id DESC
LIMIT sqlc.arg(most);

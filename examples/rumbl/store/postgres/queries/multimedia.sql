-- name: InsertVideo :one
INSERT INTO videos (user_id, title, description, source_kind, source_ref, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id;

-- name: Video :one
SELECT sqlc.embed(videos), users.username, users.name
FROM videos JOIN users ON users.id = videos.user_id
WHERE videos.id = $1;

-- name: Videos :many
SELECT sqlc.embed(videos), users.username, users.name,
  (SELECT count(*) FROM annotations WHERE annotations.video_id = videos.id) AS annotations
FROM videos JOIN users ON users.id = videos.user_id
WHERE videos.id < sqlc.arg(before)
ORDER BY videos.id DESC
LIMIT sqlc.arg(most)::bigint;

-- name: InsertAnnotation :one
-- An id is handed out before it is committed. So the video is locked first, and
-- until the commit: of one video, ids become visible in growing order.
WITH locked AS (SELECT videos.id FROM videos WHERE videos.id = sqlc.arg(video_id) FOR NO KEY UPDATE)
INSERT INTO annotations (video_id, user_id, at_ms, body, created_at)
SELECT locked.id, sqlc.arg(user_id)::bigint, sqlc.arg(at_ms)::bigint, sqlc.arg(body)::text, sqlc.arg(created_at)::timestamptz
FROM locked
RETURNING id;

-- name: AnnotationsAfter :many
SELECT sqlc.embed(annotations), users.username, users.name
FROM annotations JOIN users ON users.id = annotations.user_id
WHERE annotations.video_id = sqlc.arg(video_id) AND annotations.id > sqlc.arg(after)
ORDER BY annotations.id
LIMIT sqlc.arg(most)::bigint;

-- name: InsertAnnotation :one
-- The video is locked by its revision, until the commit: of one video,
-- revisions become visible in growing order.
WITH changed AS (UPDATE videos SET revision = videos.revision + 1 WHERE videos.id = sqlc.arg(video_id) RETURNING videos.id, videos.revision)
INSERT INTO annotations (video_id, revision, user_id, at_ms, body, created_at, muted)
SELECT changed.id, changed.revision, sqlc.arg(user_id)::bigint, sqlc.arg(at_ms)::bigint, sqlc.arg(body)::text, sqlc.arg(created_at)::timestamptz,
  EXISTS (SELECT 1 FROM mutes WHERE mutes.video_id = changed.id AND mutes.user_id = sqlc.arg(user_id)::bigint)
FROM changed
RETURNING id, revision, muted;

-- name: ChangeAnnotation :one
WITH changed AS (UPDATE videos SET revision = videos.revision + 1 WHERE videos.id = sqlc.arg(video_id) RETURNING videos.id, videos.revision)
UPDATE annotations SET revision = changed.revision, body = sqlc.arg(body)::text, edited = TRUE, removed = sqlc.arg(removed)::boolean
FROM changed
WHERE annotations.video_id = changed.id AND annotations.id = sqlc.arg(id) AND NOT annotations.removed
RETURNING annotations.revision;

-- name: Annotation :one
SELECT sqlc.embed(annotations), users.username, users.name
FROM annotations JOIN users ON users.id = annotations.user_id
WHERE annotations.video_id = sqlc.arg(video_id) AND annotations.id = sqlc.arg(id) AND NOT annotations.removed;

-- name: AnnotationsAfter :many
SELECT sqlc.embed(annotations), users.username, users.name
FROM annotations
  JOIN users ON users.id = annotations.user_id
  JOIN videos ON videos.id = annotations.video_id
WHERE annotations.video_id = sqlc.arg(video_id) AND annotations.revision > sqlc.arg(after)
  AND (NOT annotations.muted OR annotations.user_id = sqlc.arg(viewer_id) OR videos.user_id = sqlc.arg(viewer_id))
  AND (NOT annotations.removed OR sqlc.arg(after)::bigint > 0)
ORDER BY annotations.revision
LIMIT sqlc.arg(most)::bigint;

-- name: InsertMessage :one
INSERT INTO messages (video_id, user_id, body, created_at, muted)
SELECT videos.id, sqlc.arg(user_id)::bigint, sqlc.arg(body)::text, sqlc.arg(created_at)::timestamptz,
  EXISTS (SELECT 1 FROM mutes WHERE mutes.video_id = videos.id AND mutes.user_id = sqlc.arg(user_id)::bigint)
FROM videos WHERE videos.id = sqlc.arg(video_id)
RETURNING id, muted;

-- name: LatestMessages :many
SELECT sqlc.embed(messages), users.username, users.name
FROM messages
  JOIN users ON users.id = messages.user_id
  JOIN videos ON videos.id = messages.video_id
WHERE messages.video_id = sqlc.arg(video_id)
  AND (NOT messages.muted OR messages.user_id = sqlc.arg(viewer_id) OR videos.user_id = sqlc.arg(viewer_id))
ORDER BY messages.id DESC
LIMIT sqlc.arg(most)::bigint;

-- name: Author :one
SELECT id, username, name FROM users WHERE id = sqlc.arg(id);

-- name: InsertMute :exec
INSERT INTO mutes (video_id, user_id) VALUES (sqlc.arg(video_id), sqlc.arg(user_id)) ON CONFLICT DO NOTHING;

-- name: DeleteMute :exec
DELETE FROM mutes WHERE video_id = sqlc.arg(video_id) AND user_id = sqlc.arg(user_id);

-- name: Muted :many
SELECT users.id, users.username, users.name
FROM mutes JOIN users ON users.id = mutes.user_id
WHERE mutes.video_id = sqlc.arg(video_id)
ORDER BY users.username;

-- name: IsMuted :one
SELECT EXISTS (SELECT 1 FROM mutes WHERE video_id = sqlc.arg(video_id) AND user_id = sqlc.arg(user_id));

-- name: InsertAnnotation :one
INSERT INTO annotations (video_id, revision, user_id, at_ms, body, created_at, muted)
SELECT videos.id, (SELECT coalesce(max(siblings.revision), 0) + 1 FROM annotations AS siblings WHERE siblings.video_id = videos.id),
  CAST(sqlc.arg(user_id) AS INTEGER), CAST(sqlc.arg(at_ms) AS INTEGER), CAST(sqlc.arg(body) AS TEXT), CAST(sqlc.arg(created_at) AS INTEGER),
  EXISTS (SELECT 1 FROM mutes WHERE mutes.video_id = videos.id AND mutes.user_id = CAST(sqlc.arg(user_id) AS INTEGER))
FROM videos WHERE videos.id = sqlc.arg(video_id)
RETURNING id, revision, muted;

-- name: ChangeAnnotation :one
UPDATE annotations SET
  revision = (SELECT max(siblings.revision) + 1 FROM annotations AS siblings WHERE siblings.video_id = annotations.video_id),
  body = sqlc.arg(body), edited = 1, removed = sqlc.arg(removed)
WHERE annotations.video_id = sqlc.arg(video_id) AND annotations.id = sqlc.arg(id) AND NOT annotations.removed
RETURNING revision;

-- name: Annotation :one
SELECT sqlc.embed(annotations), users.username, users.name
FROM annotations JOIN users ON users.id = annotations.user_id
WHERE annotations.video_id = sqlc.arg(video_id) AND annotations.id = sqlc.arg(id) AND NOT annotations.removed;

-- name: AnnotationsAfter :many
SELECT sqlc.embed(annotations), users.username, users.name
FROM annotations
  JOIN users ON users.id = annotations.user_id
  JOIN videos ON videos.id = annotations.video_id
WHERE annotations.video_id = sqlc.arg(video_id) AND annotations.revision > CAST(sqlc.arg(after) AS INTEGER)
  AND (NOT annotations.muted OR annotations.user_id = CAST(sqlc.arg(viewer_id) AS INTEGER) OR videos.user_id = CAST(sqlc.arg(viewer_id) AS INTEGER))
  AND (NOT annotations.removed OR CAST(sqlc.arg(after) AS INTEGER) > 0)
ORDER BY annotations.revision
LIMIT sqlc.arg(most);

-- name: InsertMessage :one
INSERT INTO messages (video_id, user_id, body, created_at, muted)
SELECT videos.id, CAST(sqlc.arg(user_id) AS INTEGER), CAST(sqlc.arg(body) AS TEXT), CAST(sqlc.arg(created_at) AS INTEGER),
  EXISTS (SELECT 1 FROM mutes WHERE mutes.video_id = videos.id AND mutes.user_id = CAST(sqlc.arg(user_id) AS INTEGER))
FROM videos WHERE videos.id = sqlc.arg(video_id)
RETURNING id, muted;

-- name: LatestMessages :many
SELECT sqlc.embed(messages), users.username, users.name
FROM messages
  JOIN users ON users.id = messages.user_id
  JOIN videos ON videos.id = messages.video_id
WHERE messages.video_id = sqlc.arg(video_id)
  AND (NOT messages.muted OR messages.user_id = CAST(sqlc.arg(viewer_id) AS INTEGER) OR videos.user_id = CAST(sqlc.arg(viewer_id) AS INTEGER))
ORDER BY messages.id DESC
LIMIT sqlc.arg(most);

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
SELECT EXISTS (SELECT 1 FROM mutes WHERE video_id = sqlc.arg(video_id) AND user_id = sqlc.arg(user_id)) AS muted;

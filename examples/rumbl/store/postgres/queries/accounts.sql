-- name: InsertUser :one
INSERT INTO users (username, name, password_hash, created_at)
VALUES ($1, $2, $3, $4)
RETURNING id;

-- name: UserByUsername :one
SELECT id, username, name, password_hash FROM users WHERE username = $1;

-- name: CountUsers :one
SELECT count(*) FROM users;

-- name: SetPassword :many
WITH changed AS (UPDATE users SET password_hash = sqlc.arg(password_hash) WHERE users.id = sqlc.arg(user_id))
DELETE FROM sessions WHERE sessions.user_id = sqlc.arg(user_id) AND sessions.id <> sqlc.arg(keep_session)
RETURNING sessions.id;

-- name: InsertSession :exec
INSERT INTO sessions (user_id, secret_hash, expires_at) VALUES ($1, $2, $3);

-- name: SessionByHash :one
SELECT sessions.id, sessions.expires_at, users.id AS user_id, users.username, users.name
FROM sessions JOIN users ON users.id = sessions.user_id
WHERE sessions.secret_hash = $1;

-- name: SessionByID :one
SELECT sessions.id, sessions.expires_at, users.id AS user_id, users.username, users.name
FROM sessions JOIN users ON users.id = sessions.user_id
WHERE sessions.id = $1;

-- name: DeleteSession :exec
DELETE FROM sessions WHERE id = $1;

-- name: DeleteSessionsBefore :exec
-- Those that another node is deleting at this moment are left to it: two that
-- wait for each other's would be a deadlock.
DELETE FROM sessions WHERE id IN (
  SELECT expired.id FROM sessions AS expired WHERE expired.expires_at < $1 FOR UPDATE SKIP LOCKED
);

-- name: SessionIDs :many
SELECT id FROM sessions WHERE user_id = sqlc.arg(user_id) ORDER BY id;

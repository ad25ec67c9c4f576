-- name: InsertUser :one
INSERT INTO users (username, name, password_hash, created_at)
VALUES ($1, $2, $3, $4)
RETURNING id;

-- name: UserByUsername :one
SELECT id, username, name, password_hash FROM users WHERE username = $1;

-- name: CountUsers :one
SELECT count(*) FROM users;

-- name: UpdatePassword :exec
UPDATE users SET password_hash = $1 WHERE id = $2;

-- name: InsertSession :execrows
-- The lock makes it wait for a change of the password, and a change for it.
INSERT INTO sessions (user_id, secret_hash, expires_at)
SELECT users.id, sqlc.arg(secret_hash)::bytea, sqlc.arg(expires_at)::timestamptz
FROM users WHERE users.id = sqlc.arg(user_id) AND users.password_hash = sqlc.arg(password_hash)
FOR SHARE;

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

-- name: DeleteOtherSessions :many
DELETE FROM sessions WHERE user_id = $1 AND id <> $2 RETURNING id;

-- name: DeleteSessionsBefore :exec
-- Those that another node is deleting at this moment are left to it: two that
-- wait for each other's would be a deadlock.
DELETE FROM sessions WHERE id IN (
  SELECT expired.id FROM sessions AS expired WHERE expired.expires_at < $1 FOR UPDATE SKIP LOCKED
);

-- name: SessionIDs :many
SELECT id FROM sessions WHERE user_id = sqlc.arg(user_id) ORDER BY id;

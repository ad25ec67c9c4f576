-- name: InsertUser :one
INSERT INTO users (username, name, password_hash, created_at)
VALUES (?, ?, ?, ?)
RETURNING id;

-- name: UserByUsername :one
SELECT id, username, name, password_hash FROM users WHERE username = ?;

-- name: CountUsers :one
SELECT count(*) FROM users;

-- name: UpdatePassword :exec
UPDATE users SET password_hash = ? WHERE id = ?;

-- name: InsertSession :execrows
INSERT INTO sessions (user_id, secret_hash, expires_at)
SELECT users.id, CAST(sqlc.arg(secret_hash) AS BLOB), CAST(sqlc.arg(expires_at) AS INTEGER)
FROM users WHERE users.id = sqlc.arg(user_id) AND users.password_hash = sqlc.arg(password_hash);

-- name: SessionByHash :one
SELECT sessions.id, sessions.expires_at, users.id AS user_id, users.username, users.name
FROM sessions JOIN users ON users.id = sessions.user_id
WHERE sessions.secret_hash = ?;

-- name: SessionByID :one
SELECT sessions.id, sessions.expires_at, users.id AS user_id, users.username, users.name
FROM sessions JOIN users ON users.id = sessions.user_id
WHERE sessions.id = ?;

-- name: DeleteSession :exec
DELETE FROM sessions WHERE id = ?;

-- name: DeleteOtherSessions :many
DELETE FROM sessions WHERE user_id = ? AND id <> ? RETURNING id;

-- name: DeleteSessionsBefore :exec
DELETE FROM sessions WHERE expires_at < ?;

-- name: SessionIDs :many
SELECT id FROM sessions WHERE user_id = sqlc.arg(user_id) ORDER BY id;

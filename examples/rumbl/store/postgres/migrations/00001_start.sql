-- +goose Up
CREATE TABLE users (
  id            BIGINT      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  username      TEXT        NOT NULL CONSTRAINT users_username_unique UNIQUE,
  name          TEXT        NOT NULL,
  password_hash TEXT        NOT NULL,
  created_at    TIMESTAMPTZ NOT NULL
);

CREATE TABLE sessions (
  id          BIGINT      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id     BIGINT      NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  secret_hash BYTEA       NOT NULL UNIQUE,
  expires_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE videos (
  id          BIGINT      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id     BIGINT      NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  title       TEXT        NOT NULL,
  description TEXT        NOT NULL,
  source_kind TEXT        NOT NULL,
  source_ref  TEXT        NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX videos_user_id ON videos (user_id);

-- The sequence of the ids must hand out each number as it is asked for (CACHE
-- 1, the default): connections that keep some in stock use them out of order.
CREATE TABLE annotations (
  id         BIGINT      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  video_id   BIGINT      NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
  user_id    BIGINT      NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  at_ms      BIGINT      NOT NULL,
  body       TEXT        NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX annotations_video_id ON annotations (video_id, id);
CREATE INDEX annotations_user_id ON annotations (user_id);

-- +goose Down
DROP TABLE annotations;
DROP TABLE videos;
DROP TABLE sessions;
DROP TABLE users;

-- +goose Up

-- A revision counts the changes to the annotations of one video: it is what
-- readers catch up from. What is removed stays as a row that is empty, since
-- they have to learn of that too.
ALTER TABLE videos ADD COLUMN revision BIGINT NOT NULL DEFAULT 0; -- the last one
ALTER TABLE annotations
  ADD COLUMN revision BIGINT  NOT NULL DEFAULT 0,
  ADD COLUMN edited   BOOLEAN NOT NULL DEFAULT FALSE,
  ADD COLUMN removed  BOOLEAN NOT NULL DEFAULT FALSE,
  ADD COLUMN muted    BOOLEAN NOT NULL DEFAULT FALSE; -- written while its author was
UPDATE annotations SET revision = id;
UPDATE videos SET revision = (SELECT coalesce(max(annotations.id), 0) FROM annotations WHERE annotations.video_id = videos.id);
DROP INDEX annotations_video_id;
CREATE UNIQUE INDEX annotations_revision ON annotations (video_id, revision);

CREATE TABLE messages (
  id         BIGINT      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  video_id   BIGINT      NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
  user_id    BIGINT      NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  body       TEXT        NOT NULL,
  muted      BOOLEAN     NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX messages_video_id ON messages (video_id, id);
CREATE INDEX messages_user_id ON messages (user_id);

CREATE TABLE mutes (
  video_id BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
  user_id  BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  PRIMARY KEY (video_id, user_id)
);
CREATE INDEX mutes_user_id ON mutes (user_id);

-- +goose Down
DROP TABLE mutes;
DROP TABLE messages;
DELETE FROM annotations WHERE removed OR muted;
DROP INDEX annotations_revision;
CREATE INDEX annotations_video_id ON annotations (video_id, id);
ALTER TABLE annotations
  DROP COLUMN muted,
  DROP COLUMN removed,
  DROP COLUMN edited,
  DROP COLUMN revision;
ALTER TABLE videos DROP COLUMN revision;

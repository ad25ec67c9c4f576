-- +goose Up

-- A revision counts the changes to the annotations of one video: it is what
-- readers catch up from. What is removed stays as a row that is empty, since
-- they have to learn of that too.
ALTER TABLE annotations ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE annotations ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;
ALTER TABLE annotations ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
-- Written while its author was muted.
ALTER TABLE annotations ADD COLUMN muted INTEGER NOT NULL DEFAULT 0;
UPDATE annotations SET revision = id;
DROP INDEX annotations_video_id;
CREATE UNIQUE INDEX annotations_revision ON annotations (video_id, revision);

CREATE TABLE messages (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  video_id   INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
  user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  body       TEXT    NOT NULL,
  muted      INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_video_id ON messages (video_id, id);
CREATE INDEX messages_user_id ON messages (user_id);

CREATE TABLE mutes (
  video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
  user_id  INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  PRIMARY KEY (video_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mutes_user_id ON mutes (user_id);

-- +goose Down
DROP TABLE mutes;
DROP TABLE messages;
DELETE FROM annotations WHERE removed OR muted;
DROP INDEX annotations_revision;
CREATE INDEX annotations_video_id ON annotations (video_id, id);
ALTER TABLE annotations DROP COLUMN muted;
ALTER TABLE annotations DROP COLUMN removed;
ALTER TABLE annotations DROP COLUMN edited;
ALTER TABLE annotations DROP COLUMN revision;

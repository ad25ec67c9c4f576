-- What videos are sorted into, and what they are searched by.

-- +goose Up
CREATE TABLE categories (
  id   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name TEXT   NOT NULL UNIQUE
);
INSERT INTO categories (name) VALUES
  ('Animation'), ('Comedy'), ('Education'), ('Film'), ('Gaming'), ('Music'), ('Nature'), ('Science'), ('Sports'), ('Travel');

-- Without one: none was chosen.
ALTER TABLE videos ADD COLUMN category_id BIGINT REFERENCES categories (id);
CREATE INDEX videos_category_id ON videos (category_id);

-- Title, description and owner in the form that multimedia.Video.SearchText gives them.
ALTER TABLE videos ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
UPDATE videos SET search_text = lower(title || ' ' || description || ' ' || users.name || ' ' || users.username)
FROM users WHERE users.id = videos.user_id;

-- +goose Down
ALTER TABLE videos DROP COLUMN search_text, DROP COLUMN category_id;
DROP TABLE categories;

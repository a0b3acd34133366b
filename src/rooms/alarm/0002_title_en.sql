-- The title for English readers; `title` is the official one.
ALTER TABLE alarm ADD COLUMN title_en @text;

-- The title of what a monitor reported, for English readers; what people wrote has only theirs.
ALTER TABLE matter ADD COLUMN title_en @text;

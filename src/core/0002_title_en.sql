-- What English readers call the row that waits; null: the one title.
ALTER TABLE step ADD COLUMN title_en @text;

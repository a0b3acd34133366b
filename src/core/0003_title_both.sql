-- A title is one text, "zh | en", as every other text of the program; what people wrote parts nowhere and is the same for every reader.
UPDATE step SET title = replace(title, ' | ', '｜') ||
  CASE WHEN title_en IS NULL OR title_en = '' OR title_en = title THEN '' ELSE ' | ' || replace(title_en, ' | ', '｜') END;
ALTER TABLE step DROP COLUMN title_en;

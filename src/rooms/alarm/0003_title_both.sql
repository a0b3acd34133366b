-- Both languages in one text, as core/0003_title_both.sql says.
UPDATE alarm SET title = replace(title, ' | ', '｜') ||
  CASE WHEN title_en IS NULL OR title_en = '' OR title_en = title THEN '' ELSE ' | ' || replace(title_en, ' | ', '｜') END;
ALTER TABLE alarm DROP COLUMN title_en;

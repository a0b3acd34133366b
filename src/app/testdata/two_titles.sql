-- Titles as two columns, "title" and "title_en" (null where people had written the one), as programs before the migrations *_title_both
-- left them.
ALTER TABLE step ADD COLUMN title_en TEXT;
ALTER TABLE alarm ADD COLUMN title_en TEXT;
ALTER TABLE matter ADD COLUMN title_en TEXT;
DELETE FROM migration WHERE name LIKE '%_title_both';
INSERT INTO matter (id, version, grid_code, no, category, origin, state, lon, lat, found_at, supervised, returns, reworks, created_at,
  updated_at, title, title_en) VALUES
  (901, 1, '3703', 'a', 'E13', 'monitor', 'found', 118, 36, 0, FALSE, 0, 0, 0, 0, '一厂 二氧化硫超标：150', 'Plant 1: Exceedance 150'),
  (902, 1, '3703', 'b', 'E04', 'patrol', 'found', 118, 36, 0, FALSE, 0, 0, 0, 0, '路边 | 夜间焚烧', NULL);
INSERT INTO step (topic, row_id, grid_code, state, right_name, started_at, limit_n, limit_unit, covered, pauses, escalated, title,
  title_en) VALUES
  ('matter', 901, '3703', 'found', 'register', 0, 0, 0, FALSE, '', 0, '一厂 二氧化硫超标：150', 'Plant 1: Exceedance 150'),
  ('matter', 902, '3703', 'found', 'register', 0, 0, 0, FALSE, '', 0, '路边 | 夜间焚烧', '路边 | 夜间焚烧'),
  ('matter', 903, '3703', 'found', 'register', 0, 0, 0, FALSE, '', 0, '旧事项', NULL);
INSERT INTO alarm (id, version, grid_code, station_id, factor, type, severity, state, period, count, began_at, last_at, explain, silenced,
  escalate_minutes, lasting_minutes, raised_at, updated_at, title, title_en) VALUES
  (901, 1, '3703', 1, '', 'offline', 'yellow', 'open', '', 1, 0, 0, '', FALSE, 0, 0, 0, 0, '甲 | 乙站 离线', 'A | B: Offline');

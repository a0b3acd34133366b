INSERT INTO station (version, grid_code, name, mn, pw, kind, lon, lat, disabled, tolerate, over_time, re_count, invented, updated_at)
 SELECT 1, '370302', 'S' || i, 'MN' || i, 'x', 'air', 118, 36.8, FALSE, 0, 0, 0, TRUE, 0 FROM generate_series(1, 12) i;
UPDATE alarm_rule SET escalate_minutes = 240, lasting_minutes = 1440 WHERE type = 'other';

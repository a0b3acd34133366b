-- name: alarm_open_of :one
-- The episode that is going on for one factor.
-- scope: none because the alarm rule is the system
-- param: station id
-- param: factor text
SELECT id, count FROM alarm WHERE station_id = :station AND factor = :factor AND state = 'open' ORDER BY id DESC LIMIT 1;

-- name: alarm_row_again :exec
-- scope: none because the alarm rule is the system
-- param: alarm id
-- param: at ms
-- param: value real
UPDATE alarm SET count = count + 1, last_at = :at, value = CASE WHEN value < :value THEN :value ELSE value END, version = version + 1 WHERE id = :alarm;

-- name: alarm_row_end :exec
-- An episode ends when a later value is within the limit again.
-- scope: none because the alarm rule is the system
-- param: station id
-- param: factor text
-- param: at ms
UPDATE alarm SET state = 'ended', last_at = :at, version = version + 1 WHERE station_id = :station AND factor = :factor AND state = 'open' AND last_at < :at;

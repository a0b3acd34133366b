-- name: station_directory :many
-- Who may send, for the listener.
-- scope: none because the listener serves the whole city
SELECT id, mn, pw, pw_next, sm4_key, grid_code, disabled, tolerate, kind FROM station ORDER BY id;

-- name: station_stamp :one
-- scope: none because it is only a count and a time
-- col: n int
-- col: changed_at ms
SELECT count(*) AS n, max(updated_at) AS changed_at FROM station;

-- name: station_places :many
-- Stations on the map.
SELECT id, name, kind, lon, lat, grid_code FROM station WHERE @scope(grid_code) ORDER BY id LIMIT 5000;

-- name: station_limits :many
-- Limits of one station in force on a day.
-- scope: none because callers have read the station within their scope, or are the alarm rule
-- param: station id
-- param: today day
SELECT factor, kind, low, high FROM limit_value
 WHERE station_id = :station AND from_day <= :today AND (to_day IS NULL OR to_day >= :today);

-- name: station_place :one
-- scope: none because the alarm rule is the system
-- param: station id
SELECT name, kind, lon, lat, grid_code, source_id FROM station WHERE id = :station;

-- name: stations_all :many
-- scope: none because the alarm rule is the system
SELECT id, name, kind, lon, lat, grid_code, source_id, disabled FROM station ORDER BY id;

-- name: limits_all :many
-- scope: none because the alarm rule is the system
SELECT station_id, factor, kind, low, high, reference_o2, from_day, to_day, basis FROM limit_value ORDER BY station_id, factor, kind, from_day;

-- name: station_device_row :one
-- What a command to the device needs.
-- scope: none because the dispatcher is the system, and who asked was checked when the command was made
-- param: station id
SELECT name, grid_code, kind, mn, pw, pw_next, sm4_key, disabled, over_time, re_count FROM station WHERE id = :station;

-- name: station_of_mn :one
-- The station of an identity, when the caller may see it.
-- param: mn text
SELECT id, name, sm4_key FROM station WHERE mn = :mn AND @scope(grid_code);

-- name: station_any_mn :one
-- scope: none because only whether it is anybody's is asked
-- param: mn text
SELECT id FROM station WHERE mn = :mn;

-- name: station_mn :one
-- param: station id
SELECT mn FROM station WHERE id = :station AND @scope(grid_code);

-- name: channels_all :many
-- scope: none because the listener serves the whole city
SELECT station_id, factor, unit, sent FROM station_channel ORDER BY station_id, factor;

-- name: channel_of :one
-- scope: none because a rule asks that acts for whoever may write the record
-- param: station id
-- param: factor text
SELECT id, unit, sent FROM station_channel WHERE station_id = :station AND factor = :factor;

-- name: limit_count :one
-- scope: none because it is only a count
-- param: station id
-- param: factor text
-- col: n int
SELECT count(*) AS n FROM limit_value WHERE station_id = :station AND factor = :factor;

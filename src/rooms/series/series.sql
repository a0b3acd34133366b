-- name: series_limits :many
-- Limits of a station that are in force at some time of a range of days.
-- scope: none because the station has been read within the caller's scope
-- param: station id
-- param: from day
-- param: to day
SELECT factor, kind, low, high, from_day, to_day, basis FROM limit_value
 WHERE station_id = :station AND from_day <= :to AND (to_day IS NULL OR to_day >= :from) ORDER BY from_day, id;

-- name: series_alarms :many
-- Episodes that touch a range of time.
-- param: station id
-- param: from ms
-- param: to ms
SELECT id, factor, title, state, began_at, last_at FROM alarm
 WHERE station_id = :station AND began_at < :to AND (state <> 'ended' OR last_at >= :from) AND @scope(grid_code)
 ORDER BY began_at, id LIMIT 500;

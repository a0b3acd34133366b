-- name: review_waiting :many
-- Approved reviews whose values are not yet in the telemetry store.
-- scope: none because the job is the system
-- col: created_by id
-- col: decided_by id
SELECT id, station_id, factor, kind, from_at, to_at, action, new_flag, new_value, reason, created_by, decided_by, grid_code FROM review
 WHERE state = 'approved' ORDER BY id LIMIT 20;

-- name: review_overlap :one
-- Another review of the same values that is still under way.
-- scope: none because a clash counts wherever it is; only its number is told
-- param: station id
-- param: factor text
-- param: kind text
-- param: from ms
-- param: to ms
-- param: self id
SELECT id FROM review WHERE station_id = :station AND factor = :factor AND kind = :kind AND from_at < :to AND to_at > :from
   AND state IN ('proposed', 'approved') AND (:self IS NULL OR id <> :self) LIMIT 1;

-- name: review_station :one
-- What the computed means must know of a station.
-- scope: none because the job is the system, and the address has checked the station
-- param: station id
SELECT kind, grid_code FROM station WHERE id = :station;

-- name: review_stations :many
-- scope: none because the job is the system
SELECT id FROM station WHERE NOT disabled ORDER BY id;

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
   AND state IN ('proposed', 'approved') AND id IS DISTINCT FROM :self LIMIT 1;

-- name: review_station :one
-- What the computed means must know of a station.
-- scope: none because the job is the system, and the address has checked the station
-- param: station id
SELECT kind, grid_code FROM station WHERE id = :station;

-- name: review_stations :many
-- scope: none because the job is the system
SELECT id FROM station WHERE NOT disabled ORDER BY id;

-- name: review_limit :one
-- The upper limit of a factor for hour values on a day.
-- scope: none because the watch is the system
-- param: station id
-- param: factor text
-- param: today day
-- col: high real
SELECT high FROM limit_value WHERE station_id = :station AND factor = :factor AND kind = 'hour' AND high IS NOT NULL
   AND from_day <= :today AND (to_day IS NULL OR to_day >= :today) ORDER BY from_day DESC LIMIT 1;

-- name: review_reference_o2 :many
-- Reference oxygen of a station's limits on a day; of the same factor the limit of hours first.
-- scope: none because the job is the system
-- param: station id
-- param: today day
-- col: reference_o2 real
SELECT factor, reference_o2 FROM limit_value WHERE station_id = :station AND reference_o2 IS NOT NULL
   AND from_day <= :today AND (to_day IS NULL OR to_day >= :today)
 ORDER BY factor, CASE kind WHEN 'hour' THEN 0 ELSE 1 END, from_day DESC, id;

-- name: review_open_signs :many
-- Episodes of falsification signs that are going on at a station.
-- scope: none because the watch is the system
-- param: station id
SELECT type, factor, last_at FROM alarm WHERE station_id = :station AND state IN ('open', 'acked')
   AND type IN ('edge', 'inspection', 'jump', 'copy', 'replay', 'pair', 'power');

-- name: review_power_pairs :many
-- Meters of production and of treatment that belong together, by the station of the treatment.
-- scope: none because the watch is the system
-- param: station id
SELECT production_station_id, production_factor, production_on, treatment_factor, treatment_on, minutes FROM power_pair
 WHERE treatment_station_id = :station AND enabled;

-- name: review_decisions :many
-- What people have decided, later ones last.
-- scope: none because the shield of the store is the system
SELECT id, station_id, factor, kind, from_at, to_at, action FROM review WHERE state IN ('approved', 'applied')
 ORDER BY decided_at, id;

-- name: review_resent_add :exec
-- scope: none because it is the system that keeps them
-- param: review id
-- param: station id
-- param: factor text
-- param: kind text
-- param: at ms
-- param: value real
-- param: flag text
-- param: packet id
-- param: received ms
INSERT INTO review_resent (review_id, station_id, factor, kind, at, value, flag, packet_id, received)
VALUES (:review, :station, :factor, :kind, :at, :value, :flag, :packet, :received);

-- name: review_resent_since :one
-- scope: none because it is only a count for the system
-- param: review id
-- param: since ms
-- col: n int
SELECT count(*) AS n FROM review_resent WHERE review_id = :review AND received >= :since;

-- name: review_resent_count :exec
-- The version stays: nobody has changed the review.
-- scope: none because it is the system that counts
-- param: review id
-- param: more int
UPDATE review SET resent = COALESCE(resent, 0) + :more WHERE id = :review;

-- name: review_resent_list :many
-- scope: none because the address has read the review within the caller's scope
-- param: review id
-- param: before id
-- col: value real
SELECT id, station_id, at AS for_at, value, flag, packet_id, received AS received_at FROM review_resent
 WHERE review_id = :review AND id < :before ORDER BY id DESC LIMIT 200;

-- name: review_who :one
-- scope: none because the system tells both persons
-- param: review id
SELECT title, created_by AS created_by_id, decided_by AS decided_by_id FROM review WHERE id = :review;

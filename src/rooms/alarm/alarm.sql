-- name: alarm_going :one
-- The episode that is going on.
-- scope: none because the alarm rule is the system
-- param: station id
-- param: factor text
-- param: type text
SELECT id, matter_id FROM alarm WHERE station_id = :station AND factor = :factor AND type = :type AND state IN ('open', 'acked') ORDER BY id DESC LIMIT 1;

-- name: alarm_before :one
-- The last episode.
-- scope: none because the alarm rule is the system
-- param: station id
-- param: factor text
-- param: type text
SELECT id, state, ended_at FROM alarm WHERE station_id = :station AND factor = :factor AND type = :type ORDER BY id DESC LIMIT 1;

-- name: alarm_count_more :exec
-- No new version: who is about to acknowledge must not be told that somebody was faster.
-- scope: none because the alarm rule is the system
-- param: alarm id
-- param: more int
-- param: at ms
-- param: value real
UPDATE alarm SET count = count + :more, last_at = CASE WHEN last_at < :at THEN :at ELSE last_at END, value = COALESCE(:value, value) WHERE id = :alarm;

-- name: silence_over :one
-- The approved window that covers a moment of a station's factor.
-- scope: none because the alarm rule is the system
-- param: station id
-- param: factor text
-- param: moment ms
SELECT id, to_at, reason FROM silence
 WHERE station_id = :station AND state IN ('approved', 'ended') AND from_at <= :moment AND to_at > :moment AND (factor IS NULL OR factor = '' OR factor = :factor)
 ORDER BY to_at DESC LIMIT 1;

-- name: silence_overlaps :one
-- scope: none because it is only a count for the check of one record
-- param: self id
-- param: station id
-- param: begins ms
-- param: ends ms
-- col: n int
SELECT count(*) AS n FROM silence WHERE id <> :self AND station_id = :station AND state <> 'refused' AND from_at < :ends AND to_at > :begins;

-- name: rule_count :one
-- scope: none because it is only a count
-- col: n int
SELECT count(*) AS n FROM alarm_rule;

-- name: rules :many
-- scope: none because rules are the same for the whole city
SELECT id, type, station_kind, factor, period, enabled, threshold, worse, letters, on_n, on_of, off_n, delay_minutes, merge_minutes, severity, policy,
       escalate_minutes, lasting_minutes, close_n, basis FROM alarm_rule ORDER BY id;

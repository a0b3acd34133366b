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
-- param: at ms
-- param: value real
UPDATE alarm SET count = count + 1, last_at = CASE WHEN last_at < :at THEN :at ELSE last_at END, value = COALESCE(:value, value) WHERE id = :alarm;

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
SELECT count(*) AS n FROM silence WHERE id <> COALESCE(:self, 0) AND station_id = :station AND state <> 'refused' AND from_at < :ends AND to_at > :begins;

-- name: rule_count :one
-- scope: none because it is only a count
-- col: n int
SELECT count(*) AS n FROM alarm_rule;

-- name: rules :many
-- scope: none because rules are the same for the whole city
SELECT id, type, station_kind, factor, period, enabled, threshold, worse, letters, on_n, on_of, off_n, delay_minutes, merge_minutes, severity, policy,
       escalate_minutes, lasting_minutes, close_n, basis FROM alarm_rule ORDER BY id;

-- name: count_by_key :exec
-- What has come since the episode was written down last. No new version, see above.
-- scope: none because the alarm rule is the system
-- param: station id
-- param: factor text
-- param: type text
-- param: more int
-- param: at ms
-- param: value real
UPDATE alarm SET count = count + :more, last_at = CASE WHEN last_at < :at THEN :at ELSE last_at END, value = COALESCE(:value, value)
 WHERE station_id = :station AND factor = :factor AND type = :type AND state IN ('open', 'acked');

-- name: alarm_counted :one
-- scope: none because the caller has read the alarm within his scope
-- param: alarm id
SELECT count, last_at, value FROM alarm WHERE id = :alarm;

-- name: mark_of :one
-- scope: none because it is no record
-- param: name text
SELECT at FROM alarm_mark WHERE name = :name;

-- name: mark_set :exec
-- scope: none because it is no record
-- param: name text
-- param: at int
INSERT INTO alarm_mark (name, at) VALUES (:name, :at) ON CONFLICT (name) DO UPDATE SET at = excluded.at;

-- name: watch_put :exec
-- scope: none because it is no record
-- param: station id
-- param: factor text
-- param: kind text
-- param: type text
-- param: bits int
-- param: seen int
-- param: good int
-- param: up bool
-- param: since ms
-- param: last ms
-- param: worst real
-- param: value real
INSERT INTO alarm_watch (station_id, factor, kind, type, bits, seen, good, up, since, last, worst, value)
 VALUES (:station, :factor, :kind, :type, :bits, :seen, :good, :up, :since, :last, :worst, :value)
 ON CONFLICT (station_id, factor, kind, type) DO UPDATE SET bits = excluded.bits, seen = excluded.seen, good = excluded.good, up = excluded.up,
 since = excluded.since, last = excluded.last, worst = excluded.worst, value = excluded.value;

-- name: watch_drop :exec
-- scope: none because it is no record
-- param: station id
-- param: factor text
-- param: kind text
-- param: type text
DELETE FROM alarm_watch WHERE station_id = :station AND factor = :factor AND kind = :kind AND type = :type;

-- name: watches :many
-- scope: none because it is no record
SELECT station_id, factor, kind, type, bits, seen, good, up, since, last, worst, value FROM alarm_watch;

-- name: watches_closed :many
-- Those whose episode is going on here, but not among the alarms.
-- scope: none because it is no record
SELECT w.station_id, w.factor, w.type FROM alarm_watch w WHERE w.up = TRUE AND NOT EXISTS
 (SELECT 1 FROM alarm a WHERE a.station_id = w.station_id AND a.factor = w.factor AND a.type = w.type AND a.state IN ('open', 'acked'));

-- name: silenced_due :many
-- Alarms that go on after their reported maintenance is over.
-- scope: none because the alarm rule is the system
-- param: moment ms
SELECT a.id FROM alarm a LEFT JOIN silence s ON s.id = a.silence_id
 WHERE a.silenced = TRUE AND a.state IN ('open', 'acked') AND (s.id IS NULL OR s.to_at <= :moment) ORDER BY a.id LIMIT 200;

-- name: alarms_of_matter :many
-- scope: none because the caller has read the matter within his scope
-- param: matter id
SELECT id, station_id, factor, type, period, state, last_at, ended_at, title FROM alarm WHERE matter_id = :matter ORDER BY id;

-- name: alarm_units_of_limits :exec
-- Alarms of before the unit was kept: the one of a limit of their factor.
-- scope: none because the room's start is the system
UPDATE alarm SET unit = COALESCE((SELECT max(l.unit) FROM limit_value l WHERE l.station_id = alarm.station_id AND l.factor = alarm.factor), '')
 WHERE unit IS NULL AND type IN ('exceed', 'warning', 'constant');

-- name: upstream_targets :many
-- Every upstream that is switched on.
-- scope: none because forwarding is the system
-- col: tls bool
-- col: per_factor bool
-- col: only_listed bool
-- col: fwd_rtd bool
-- col: fwd_min bool
-- col: fwd_hour bool
-- col: fwd_daily bool
-- col: fwd_other bool
-- col: position int
-- col: qn int
SELECT id, grid_code, name, kind, host, port, tls, ca, login, password, topic, per_factor, station_kinds, only_listed,
       fwd_rtd, fwd_min, fwd_hour, fwd_daily, fwd_other, since AS since_at, window_size, timeout_s, retries, position, qn
  FROM upstream WHERE enabled ORDER BY id;

-- name: upstream_places :many
-- Every station, as forwarding needs it.
-- scope: none because forwarding is the system
SELECT id, mn, pw, grid_code, kind FROM station ORDER BY id;

-- name: upstream_names :many
-- What stations are called on the other side.
-- scope: none because forwarding is the system
SELECT upstream_id, station_id, mn, pw FROM upstream_station ORDER BY upstream_id, station_id;

-- name: upstream_keep :exec
-- What has happened since the last time; the version stays, so that nobody who edits is disturbed.
-- scope: none because forwarding is the system
-- param: upstream id
-- param: state text
-- param: lag int
-- param: position int
-- param: position_at ms
-- param: qn int
-- param: sent int
-- param: acknowledged int
-- param: failures int
-- param: acknowledged_at ms
-- param: error text
UPDATE upstream SET state = :state, lag_s = :lag, position = :position, position_at = coalesce(:position_at, position_at), qn = :qn,
       sent = coalesce(sent, 0) + :sent, acknowledged = coalesce(acknowledged, 0) + :acknowledged,
       failures = coalesce(failures, 0) + :failures, acknowledged_at = coalesce(:acknowledged_at, acknowledged_at), error = :error
 WHERE id = :upstream;

-- name: upstream_off :exec
-- scope: none because forwarding is the system
UPDATE upstream SET state = 'off', lag_s = NULL WHERE NOT enabled AND state <> 'off';

-- name: upstream_park :exec
-- scope: none because forwarding is the system
-- param: upstream id
-- param: packet int
-- param: station id
-- param: qn int
-- param: again ms
INSERT INTO upstream_parked (upstream_id, packet_id, station_id, qn, tries, again_at) VALUES (:upstream, :packet, :station, :qn, 0, :again)
    ON CONFLICT (upstream_id, packet_id) DO NOTHING;

-- name: upstream_due :many
-- The oldest parked packets whose time has come.
-- scope: none because forwarding is the system
-- param: upstream id
-- param: now ms
-- col: packet_id int
-- col: qn int
SELECT packet_id, station_id, qn FROM upstream_parked WHERE upstream_id = :upstream AND again_at <= :now ORDER BY packet_id LIMIT 16;

-- name: upstream_parked_one :one
-- scope: none because forwarding is the system
-- param: upstream id
-- param: packet int
SELECT station_id, tries FROM upstream_parked WHERE upstream_id = :upstream AND packet_id = :packet;

-- name: upstream_unpark :exec
-- scope: none because forwarding is the system
-- param: upstream id
-- param: packet int
DELETE FROM upstream_parked WHERE upstream_id = :upstream AND packet_id = :packet;

-- name: upstream_tried :exec
-- scope: none because forwarding is the system
-- param: upstream id
-- param: packet int
UPDATE upstream_parked SET tries = tries + 1 WHERE upstream_id = :upstream AND packet_id = :packet;

-- name: upstream_postpone :exec
-- One answer speaks for all of the station's packets.
-- scope: none because forwarding is the system
-- param: upstream id
-- param: station id
-- param: again ms
UPDATE upstream_parked SET again_at = :again WHERE upstream_id = :upstream AND station_id = :station AND again_at IS NOT NULL;

-- name: upstream_again :exec
-- Everything that is parked, now: somebody has asked for it.
-- scope: none because forwarding is the system
-- param: upstream id
-- param: now ms
UPDATE upstream_parked SET again_at = :now WHERE upstream_id = :upstream;

-- name: upstream_count :exec
-- scope: none because forwarding is the system
-- param: upstream id
UPDATE upstream SET parked = (SELECT count(*) FROM upstream_parked p WHERE p.upstream_id = upstream.id) WHERE id = :upstream;

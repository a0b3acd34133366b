-- name: intake_by_token :one
-- Who sends over HTTP.
-- scope: none because the token is the permission, for one station
-- param: hash text
-- col: disabled bool
SELECT f.id, f.station_id, s.grid_code, s.disabled FROM feed f JOIN station s ON s.id = f.station_id
 WHERE f.token_hash = :hash AND f.enabled AND f.via = 'http' AND f.state = 'active';

-- name: intake_by_ident :one
-- Who a message of a broker is from.
-- scope: none because the broker's messages are taken in by the system
-- param: source id
-- param: ident text
-- col: disabled bool
SELECT f.id, f.station_id, s.grid_code, s.disabled FROM feed f JOIN station s ON s.id = f.station_id
 WHERE f.source_id = :source AND f.ident = :ident AND f.enabled AND f.via = 'mqtt';

-- name: intake_issue :exec
-- scope: none because the caller has read the row within his scope
-- param: feed id
-- param: hash text
-- param: hint text
-- param: now ms
UPDATE feed SET token_hash = :hash, token_hint = :hint, issued_at = :now, state = 'active', version = version + 1 WHERE id = :feed;

-- name: intake_count :exec
-- What has come since the last time.
-- scope: none because counting is the system
-- param: feed id
-- param: accepted int
-- param: refused int
-- param: last_at ms
-- param: error text
UPDATE feed SET accepted = coalesce(accepted, 0) + :accepted, refused = coalesce(refused, 0) + :refused,
       last_at = coalesce(:last_at, last_at), error = coalesce(:error, error) WHERE id = :feed;

-- name: intake_brokers :many
-- scope: none because listening is the system
-- col: tls bool
SELECT id, version, name, host, port, tls, ca, login, password, topic, session_name FROM mqtt_source WHERE enabled ORDER BY id;

-- name: intake_keep :exec
-- scope: none because listening is the system
-- param: source id
-- param: state text
-- param: received int
-- param: accepted int
-- param: refused int
-- param: last_at ms
-- param: error text
UPDATE mqtt_source SET state = :state, received = coalesce(received, 0) + :received, accepted = coalesce(accepted, 0) + :accepted,
       refused = coalesce(refused, 0) + :refused, last_at = coalesce(:last_at, last_at), error = :error WHERE id = :source;

-- name: intake_off :exec
-- scope: none because listening is the system
UPDATE mqtt_source SET state = 'off' WHERE NOT enabled AND state <> 'off';

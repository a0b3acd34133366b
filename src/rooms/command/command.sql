-- name: command_heads :many
-- The oldest waiting command of each station.
-- scope: none because the dispatcher is the system
-- col: id id
SELECT min(id) AS id, station_id FROM command WHERE state = 'queued' GROUP BY station_id;

-- name: command_open :many
-- What was under way when the program stopped.
-- scope: none because the dispatcher is the system
SELECT id, station_id FROM command WHERE state IN ('sent', 'confirmed', 'receiving') ORDER BY id;

-- name: command_late :many
-- Waiting commands whose time is over.
-- scope: none because the dispatcher is the system
-- param: now ms
SELECT id FROM command WHERE state = 'queued' AND expires_at <= :now ORDER BY id LIMIT 200;

-- name: command_dialogue :many
-- scope: none because the address has read the command within the caller's scope
-- param: command id
-- col: outgoing bool
-- col: raw blob
SELECT id, at AS said_at, outgoing, raw FROM command_packet WHERE command_id = :command ORDER BY id LIMIT 5000;

-- name: command_say :exec
-- scope: none because the dispatcher is the system
-- param: command id
-- param: at ms
-- param: outgoing bool
-- param: raw blob
INSERT INTO command_packet (command_id, at, outgoing, raw) VALUES (:command, :at, :outgoing, :raw);

-- name: command_count :exec
-- The version stays: who is about to cancel must not be told that somebody was faster.
-- scope: none because the dispatcher is the system
-- param: command id
-- param: tries int
-- param: packets int
UPDATE command SET tries = :tries, packets = :packets WHERE id = :command;

-- name: grid_shapes :many
-- Every area with a shape, for the point look-up.
-- scope: none because the look-up table of the program holds the whole city
SELECT code, shape FROM area WHERE shape IS NOT NULL ORDER BY code;

-- name: grid_names :many
-- scope: none because names of places are public
SELECT code, name FROM area ORDER BY code;

-- name: grid_stamp :one
-- How the areas stand now: changes whenever one is written.
-- scope: none because it is only a count and a time
-- col: n int
-- col: changed_at ms
SELECT count(*) AS n, max(updated_at) AS changed_at FROM area;

-- name: grid_level :many
-- Areas of one level below a place, with their shapes, for the map.
-- scope: none because outlines and names of divisions are public
-- param: level text
-- param: lo text
-- param: hi text
SELECT code, name, level, parent_code, generated, shape FROM area
 WHERE level = :level AND code >= :lo AND code < :hi AND shape IS NOT NULL
 ORDER BY code LIMIT 3000;

-- name: grid_children :many
-- scope: none because names of places are public
-- param: parent text
-- col: children int
SELECT a.code, a.name, a.level, (SELECT count(*) FROM area b WHERE b.parent_code = a.code) AS children
  FROM area a WHERE a.parent_code = :parent ORDER BY a.code;

-- name: grid_chain :many
-- The areas that hold a code, from the city down.
-- scope: none because names of places are public
-- param: code text
SELECT code, name, level FROM area WHERE code = substr(:code, 1, length(code)) ORDER BY length(code);

-- name: grid_on_duty :many
-- Officers whose post covers a code today, the nearest place first. Kinds in order: officer, deputy, head.
-- scope: none because who answers for a place is public (五定: 定人员)
-- param: code text
-- param: today day
-- col: place text
-- col: account_id id
SELECT p.account_id, p.kind, p.grid_code AS place, a.name, a.phone
  FROM post p JOIN account a ON a.id = p.account_id
 WHERE p.grid_code = substr(:code, 1, length(p.grid_code)) AND p.from_day <= :today AND (p.to_day IS NULL OR p.to_day >= :today) AND a.disabled = FALSE
 ORDER BY length(p.grid_code) DESC, CASE p.kind WHEN 'officer' THEN 0 WHEN 'deputy' THEN 1 ELSE 2 END, p.id LIMIT 20;

-- name: grid_uncovered :many
-- 全覆盖无死角: the lowest places without an officer today.
-- param: level text
-- param: today day
SELECT a.code, a.name FROM area a
 WHERE a.level = :level AND @scope(a.code)
   AND NOT EXISTS (SELECT 1 FROM post p WHERE p.kind = 'officer' AND p.grid_code = substr(a.code, 1, length(p.grid_code)) AND length(p.grid_code) >= length(a.code) AND p.from_day <= :today AND (p.to_day IS NULL OR p.to_day >= :today))
 ORDER BY a.code LIMIT 5000;

-- name: grid_zone_of :one
-- The functional zone that has taken a place over, if any.
-- scope: none because names of zones are public
-- param: code text
SELECT z.code, z.name FROM zone z JOIN scope_member m ON m.code = z.code
 WHERE m.member = substr(:code, 1, length(m.member)) ORDER BY length(m.member) DESC, z.code LIMIT 1;

-- name: grid_zone_clear :exec
-- scope: none because only the rule of the zone record calls it
-- param: code text
DELETE FROM scope_member WHERE code = :code;

-- name: grid_zone_add :exec
-- scope: none because only the rule of the zone record calls it
-- param: code text
-- param: member text
INSERT INTO scope_member (code, member) VALUES (:code, :member);

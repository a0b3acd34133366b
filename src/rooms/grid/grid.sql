-- name: grid_shapes :many
-- Every area with a shape that is in use on a day, as it was that day, for the point look-up.
-- scope: none because the look-up table of the program holds the whole city
-- param: on day
SELECT code, shape FROM area
 WHERE shape IS NOT NULL AND (from_day IS NULL OR from_day <= :on) AND (to_day IS NULL OR to_day >= :on)
UNION ALL
SELECT grid_code AS code, shape FROM area_past WHERE shape IS NOT NULL AND (from_day IS NULL OR from_day <= :on) AND to_day >= :on
 ORDER BY code;

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
-- Areas of one level below a place, with their shapes as they were on a day, for the map.
-- scope: none because outlines and names of divisions are public
-- param: level text
-- param: lo text
-- param: hi text
-- param: on day
SELECT code, name, level, parent_code, generated, shape FROM area
 WHERE level = :level AND code >= :lo AND code < :hi AND shape IS NOT NULL AND (from_day IS NULL OR from_day <= :on) AND (to_day IS NULL OR to_day >= :on)
UNION ALL
SELECT p.grid_code AS code, p.name, a.level, a.parent_code, p.generated, p.shape FROM area_past p JOIN area a ON a.code = p.grid_code
 WHERE a.level = :level AND p.grid_code >= :lo AND p.grid_code < :hi AND p.shape IS NOT NULL AND (p.from_day IS NULL OR p.from_day <= :on) AND p.to_day >= :on
 ORDER BY code LIMIT 3000;

-- name: grid_children :many
-- scope: none because names of places are public
-- param: parent text
-- col: children int
SELECT a.code, a.name, a.level, (SELECT count(*) FROM area b WHERE b.parent_code = a.code) AS children
  FROM area a WHERE a.parent_code = :parent ORDER BY a.code;

-- name: grid_chain :many
-- The areas that hold a code, from the city down, as they were on a day.
-- scope: none because names of places are public
-- param: code text
-- param: on day
SELECT code, name, level, generated, duty, from_day, to_day FROM area
 WHERE code = substr(:code, 1, length(code)) AND (from_day IS NULL OR from_day <= :on) AND (to_day IS NULL OR to_day >= :on)
UNION ALL
SELECT p.grid_code AS code, p.name, a.level, p.generated, p.duty, p.from_day, p.to_day FROM area_past p JOIN area a ON a.code = p.grid_code
 WHERE p.grid_code = substr(:code, 1, length(p.grid_code)) AND (p.from_day IS NULL OR p.from_day <= :on) AND p.to_day >= :on
 ORDER BY code;

-- name: grid_on_duty :many
-- Posts that answer for a code on a day, the nearest place first; a post of a functional zone counts as one of the member that holds the
-- code. Kinds in order: officer, deputy, head. Who is absent is replaced by the deputy of that day; away: is absent, stand_in: for whom.
-- scope: none because who answers for a place is public (五定: 定人员)
-- param: code text
-- param: on day
-- col: place text
-- col: place_n int
-- col: post_id id
-- col: holder_id id
-- col: deputy_id id
-- col: deputy_off bool
-- col: deputy_name text
-- col: deputy_phone text
-- col: away int
SELECT p.id AS post_id, p.title, p.kind, p.task, p.grid_code AS place, p.account_id AS holder_id, p.from_day, p.to_day, a.name, a.phone, a.disabled,
       CASE WHEN substr(p.grid_code, 1, 1) = 'Z' THEN (SELECT max(length(m.member)) FROM scope_member m WHERE m.code = p.grid_code AND m.member = substr(:code, 1, length(m.member))) ELSE length(p.grid_code) END AS place_n,
       d.id AS deputy_id, d.name AS deputy_name, d.phone AS deputy_phone, d.disabled AS deputy_off, CASE WHEN b.id IS NULL THEN 0 ELSE 1 END AS away
  FROM post p JOIN account a ON a.id = p.account_id
  LEFT JOIN absence b ON b.id = (SELECT max(c.id) FROM absence c WHERE c.account_id = p.account_id AND c.from_day <= :on AND c.to_day >= :on)
  LEFT JOIN account d ON d.id = b.deputy_id
 WHERE (p.grid_code = substr(:code, 1, length(p.grid_code)) OR p.grid_code IN (SELECT m.code FROM scope_member m WHERE m.member = substr(:code, 1, length(m.member))))
   AND p.from_day <= :on AND (p.to_day IS NULL OR p.to_day >= :on)
 ORDER BY place_n DESC, CASE p.kind WHEN 'officer' THEN 0 WHEN 'deputy' THEN 1 WHEN 'head' THEN 2 ELSE 3 END, p.id LIMIT 40;

-- name: grid_away :one
-- Is the account absent on a day, and who stands in?
-- scope: none because a rule asks
-- param: account id
-- param: on day
SELECT id, deputy_id FROM absence WHERE account_id = :account AND from_day <= :on AND to_day >= :on ORDER BY id DESC LIMIT 1;

-- name: absence_overlaps :one
-- Other absences that overlap: the account's own, and those in which it stands in.
-- scope: none because a rule asks
-- param: mine id
-- param: account id
-- param: first day
-- param: last day
-- col: own int
-- col: stands_in int
SELECT coalesce(sum(CASE WHEN account_id = :account THEN 1 ELSE 0 END), 0) AS own, coalesce(sum(CASE WHEN deputy_id = :account THEN 1 ELSE 0 END), 0) AS stands_in
  FROM absence WHERE (account_id = :account OR deputy_id = :account) AND id <> coalesce(:mine, 0) AND from_day <= :last AND to_day >= :first;

-- name: account_facts :one
-- scope: none because a rule asks
-- param: account id
SELECT name, grid_code, disabled FROM account WHERE id = :account;

-- name: grid_duties :many
-- Duties of a level on a day.
-- scope: none because duties are public (五定: 定职责)
-- param: level text
-- param: on day
SELECT department, duty, basis, from_day, to_day FROM grid_duty
 WHERE level = :level AND from_day <= :on AND (to_day IS NULL OR to_day >= :on) ORDER BY department, id LIMIT 200;

-- name: grid_uncovered :many
-- 全覆盖无死角: places of a level without an officer (in person or by a deputy) on a day, their own or a cell's below.
-- param: level text
-- param: on day
SELECT a.code, a.name FROM area a
 WHERE a.level = :level AND @scope(a.code) AND (a.from_day IS NULL OR a.from_day <= :on) AND (a.to_day IS NULL OR a.to_day >= :on)
   AND NOT EXISTS (SELECT 1 FROM post p JOIN account c ON c.id = p.account_id
                    WHERE p.kind = 'officer' AND p.grid_code = a.code AND c.disabled = FALSE AND p.from_day <= :on AND (p.to_day IS NULL OR p.to_day >= :on)
                      AND NOT EXISTS (SELECT 1 FROM absence b WHERE b.account_id = p.account_id AND b.deputy_id IS NULL AND b.from_day <= :on AND b.to_day >= :on))
 ORDER BY a.code LIMIT 5000;

-- name: grid_vacant :many
-- Posts without a person on a day: the account is switched off, the term is over and nobody followed, or the person is away without a deputy.
-- param: on day
-- col: away int
-- col: over int
SELECT p.id, p.title, p.kind, p.grid_code, a.name, p.to_day, a.disabled,
       CASE WHEN p.to_day IS NULL OR p.to_day >= :on THEN 0 ELSE 1 END AS over,
       CASE WHEN EXISTS (SELECT 1 FROM absence b WHERE b.account_id = p.account_id AND b.deputy_id IS NULL AND b.from_day <= :on AND b.to_day >= :on) THEN 1 ELSE 0 END AS away
  FROM post p JOIN account a ON a.id = p.account_id
 WHERE @scope(p.grid_code) AND p.from_day <= :on
   AND (a.disabled = TRUE
        OR (p.to_day < :on AND NOT EXISTS (SELECT 1 FROM post q WHERE q.grid_code = p.grid_code AND q.kind = p.kind AND q.id <> p.id AND q.from_day <= :on AND (q.to_day IS NULL OR q.to_day >= :on OR q.to_day > p.to_day)))
        OR ((p.to_day IS NULL OR p.to_day >= :on) AND EXISTS (SELECT 1 FROM absence b WHERE b.account_id = p.account_id AND b.deputy_id IS NULL AND b.from_day <= :on AND b.to_day >= :on)))
 ORDER BY p.grid_code, p.id LIMIT 2000;

-- name: grid_outlines :many
-- A level's outlines as they were on a day.
-- param: level text
-- param: on day
SELECT code, name, shape FROM area
 WHERE level = :level AND @scope(code) AND shape IS NOT NULL AND (from_day IS NULL OR from_day <= :on) AND (to_day IS NULL OR to_day >= :on)
UNION ALL
SELECT p.grid_code AS code, p.name, p.shape FROM area_past p JOIN area a ON a.code = p.grid_code
 WHERE a.level = :level AND @scope(p.grid_code) AND p.shape IS NOT NULL AND (p.from_day IS NULL OR p.from_day <= :on) AND p.to_day >= :on
 ORDER BY code LIMIT 20000;

-- name: grid_children_shapes :many
-- scope: none because outlines of divisions are public
-- param: parent text
-- param: on day
SELECT code, shape FROM area
 WHERE parent_code = :parent AND shape IS NOT NULL AND (from_day IS NULL OR from_day <= :on) AND (to_day IS NULL OR to_day >= :on)
UNION ALL
SELECT p.grid_code AS code, p.shape FROM area_past p JOIN area a ON a.code = p.grid_code
 WHERE a.parent_code = :parent AND p.shape IS NOT NULL AND (p.from_day IS NULL OR p.from_day <= :on) AND p.to_day >= :on ORDER BY code;

-- name: grid_homeless :many
-- Polluters whose place is not in use any more: nobody answers for them.
-- param: on day
SELECT s.id, s.name, s.grid_code, s.lon, s.lat FROM source s
 WHERE @scope(s.grid_code) AND NOT EXISTS (SELECT 1 FROM area a WHERE a.code = s.grid_code AND (a.to_day IS NULL OR a.to_day >= :on)) ORDER BY s.id LIMIT 2000;

-- name: grid_gaps_open :many
-- scope: none because the check of the whole city asks, as the system
SELECT id, kind, grid_code, title FROM grid_gap WHERE state = 'open' ORDER BY id LIMIT 20000;

-- name: grid_code_known :one
-- scope: none because it is only a count
-- param: code text
-- col: n int
SELECT (SELECT count(*) FROM area WHERE code = :code) + (SELECT count(*) FROM zone WHERE code = :code) AS n;

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

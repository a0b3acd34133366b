-- name: plans_in_force :many
-- Plans that lie in a period.
-- param: from day
-- param: to day
SELECT id, title, grid_code, times, every_days, checklist, from_day, to_day FROM patrol_plan
 WHERE @scope(grid_code) AND from_day < :to AND (to_day IS NULL OR to_day >= :from) ORDER BY grid_code, id LIMIT 20000;

-- name: plans_of_chain :many
-- Plans for a place, or one that holds it, on a day.
-- scope: none because what has to be done in a place is public (五定: 定任务)
-- param: code text
-- param: on day
SELECT id, title, grid_code, times, every_days, checklist, basis FROM patrol_plan
 WHERE grid_code = substr(:code, 1, length(grid_code)) AND from_day <= :on AND (to_day IS NULL OR to_day >= :on) ORDER BY length(grid_code) DESC, id LIMIT 100;

-- name: officer_posts :many
-- Posts of officers that lie in a period.
-- param: from day
-- param: to day
SELECT p.account_id, p.grid_code, p.from_day, p.to_day, a.name FROM post p JOIN account a ON a.id = p.account_id
 WHERE p.kind = 'officer' AND @scope(p.grid_code) AND p.from_day < :to AND (p.to_day IS NULL OR p.to_day >= :from) ORDER BY p.grid_code, p.id LIMIT 20000;

-- name: patrols_done :many
-- scope: none because the officers were found within the caller's area
-- param: from ms
-- param: to ms
-- col: done int
-- col: good int
SELECT officer_id, count(*) AS done, sum(CASE WHEN valid = TRUE THEN 1 ELSE 0 END) AS good FROM patrol
 WHERE state = 'done' AND ended_at >= :from AND ended_at < :to GROUP BY officer_id;

-- name: matters_held :many
-- What officers did with matters in a period, by the steps they held.
-- scope: none because the officers were found within the caller's area
-- param: from ms
-- param: to ms
-- col: handled int
-- col: in_time int
-- col: late int
-- col: returned int
SELECT holder_id,
       sum(CASE WHEN state = 'accepted' AND ended_verb = 'handle' AND ended_at >= :from THEN 1 ELSE 0 END) AS handled,
       sum(CASE WHEN state = 'accepted' AND ended_verb = 'handle' AND ended_at >= :from AND (due_at IS NULL OR ended_at <= due_at) THEN 1 ELSE 0 END) AS in_time,
       sum(CASE WHEN ended_at IS NULL AND covered = FALSE AND due_at < :to THEN 1 ELSE 0 END) AS late,
       sum(CASE WHEN state = 'dispatched' AND ended_verb = 'return' AND ended_at >= :from THEN 1 ELSE 0 END) AS returned
  FROM step WHERE topic = 'matter' AND holder_id IS NOT NULL AND state IN ('dispatched', 'accepted') AND (ended_at IS NULL OR (ended_at >= :from AND ended_at < :to))
 GROUP BY holder_id;

-- name: matters_checked :many
-- Checks in a period, of what each officer had handled: who handled it last before the check.
-- scope: none because the officers were found within the caller's area
-- param: from ms
-- param: to ms
-- col: officer_id id
-- col: passed int
-- col: failed int
SELECT h.ended_by AS officer_id, sum(CASE WHEN s.ended_verb = 'verify' THEN 1 ELSE 0 END) AS passed, sum(CASE WHEN s.ended_verb = 'rework' THEN 1 ELSE 0 END) AS failed
  FROM step s JOIN step h ON h.id = (SELECT max(x.id) FROM step x WHERE x.topic = 'matter' AND x.row_id = s.row_id AND x.id < s.id AND x.ended_verb IN ('handle', 'settle'))
 WHERE s.topic = 'matter' AND s.state = 'handled' AND s.ended_at >= :from AND s.ended_at < :to GROUP BY h.ended_by;

-- name: scheme_on :many
-- scope: none because the scheme is public and the same for all
-- param: on day
SELECT indicator, weight, target, basis FROM assess_scheme WHERE from_day <= :on AND (to_day IS NULL OR to_day >= :on) ORDER BY id;

-- name: patrol_going :one
-- scope: none because it is only a count, of the asker's own
-- param: account id
-- col: n int
SELECT count(*) AS n FROM patrol WHERE officer_id = :account AND state = 'going';

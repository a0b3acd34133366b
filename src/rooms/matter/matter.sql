-- name: matters_of_absent :many
-- Open matters of people who are away on a day and have a deputy.
-- scope: none because the job that hands them over is the system
-- param: on day
-- col: deputy_id id
SELECT m.id, b.deputy_id, b.title AS who, b.to_day FROM matter m JOIN absence b ON b.account_id = m.officer_id
 WHERE m.state IN ('dispatched', 'accepted') AND b.from_day <= :on AND b.to_day >= :on AND b.deputy_id IS NOT NULL ORDER BY m.id LIMIT 500;

-- name: photo_elsewhere :one
-- Is the photo the evidence of another matter already?
-- scope: none because the rule compares with every matter
-- param: hash text
-- param: mine id
-- col: n int
SELECT count(*) AS n FROM file_use WHERE topic = 'matter' AND hash = :hash AND row_id <> :mine;

-- How often a closed matter was opened again: a closing that was not true.
ALTER TABLE matter ADD COLUMN reopens @int;

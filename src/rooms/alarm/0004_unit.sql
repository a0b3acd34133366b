-- The unit of value and limit, as it was when the alarm began; older alarms over a limit get the one of their limit when the room starts.
ALTER TABLE alarm ADD COLUMN unit @text;

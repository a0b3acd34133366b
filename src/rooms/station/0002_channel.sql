-- 监测通道: the unit of a factor at a station, where it is not the usual one; and the unit that limits are written in.
CREATE TABLE station_channel (
  id         @id,
  version    @int  NOT NULL,
  grid_code  @text NOT NULL,
  title      @text NOT NULL,
  station_id @int  NOT NULL,
  factor     @text NOT NULL,
  unit       @text NOT NULL,
  sent       @text NOT NULL
) @strict;
CREATE UNIQUE INDEX station_channel_of ON station_channel (station_id, factor);

ALTER TABLE limit_value ADD COLUMN unit @text;

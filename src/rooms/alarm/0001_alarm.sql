-- 报警
CREATE TABLE alarm (
  id         @id,
  version    @int  NOT NULL,
  grid_code  @text NOT NULL,
  title      @text NOT NULL,
  station_id @int  NOT NULL,
  factor     @text NOT NULL,
  state      @text NOT NULL,
  value      @real NOT NULL,
  limit_high @real,
  count      @int  NOT NULL,
  began_at   @ms   NOT NULL,
  last_at    @ms   NOT NULL,
  matter_id  @int
) @strict;
CREATE INDEX alarm_station ON alarm (station_id, factor, state);
CREATE INDEX alarm_grid ON alarm (grid_code, id);

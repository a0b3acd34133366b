-- 监测站点, 限值
CREATE TABLE station (
  id         @id,
  version    @int  NOT NULL,
  grid_code  @text NOT NULL,
  name       @text NOT NULL,
  mn         @text NOT NULL UNIQUE,
  pw         @text NOT NULL,
  pw_next    @text,
  sm4_key    @text,
  kind       @text NOT NULL,
  source_id  @int,
  lon        @real NOT NULL,
  lat        @real NOT NULL,
  disabled   @bool NOT NULL,
  tolerate   @int  NOT NULL,
  over_time  @int  NOT NULL,
  re_count   @int  NOT NULL,
  invented   @bool NOT NULL,
  updated_at @ms   NOT NULL
) @strict;
CREATE INDEX station_grid ON station (grid_code, id);

CREATE TABLE limit_value (
  id           @id,
  version      @int  NOT NULL,
  grid_code    @text NOT NULL,
  title        @text NOT NULL,
  station_id   @int  NOT NULL,
  factor       @text NOT NULL,
  kind         @text NOT NULL,
  low          @real,
  high         @real,
  reference_o2 @real,
  from_day     @day  NOT NULL,
  to_day       @day,
  basis        @text
) @strict;
CREATE INDEX limit_station ON limit_value (station_id, factor);

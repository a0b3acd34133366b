-- 五定: earlier versions of places, duties by level, stand-ins, and what the coverage check finds.
CREATE TABLE area_past (
  id        @id,
  version   @int  NOT NULL,
  grid_code @text NOT NULL,
  name      @text NOT NULL,
  generated @bool NOT NULL,
  duty      @text,
  shape     @text,
  from_day  @day,
  to_day    @day  NOT NULL
) @strict;
CREATE INDEX area_past_of ON area_past (grid_code, to_day);

CREATE TABLE grid_duty (
  id         @id,
  version    @int  NOT NULL,
  level      @text NOT NULL,
  department @text NOT NULL,
  duty       @text NOT NULL,
  basis      @text,
  from_day   @day  NOT NULL,
  to_day     @day
) @strict;

CREATE TABLE absence (
  id         @id,
  version    @int  NOT NULL,
  grid_code  @text NOT NULL,
  title      @text NOT NULL,
  account_id @int  NOT NULL,
  deputy_id  @int,
  from_day   @day  NOT NULL,
  to_day     @day  NOT NULL,
  reason     @text
) @strict;
CREATE INDEX absence_account ON absence (account_id, to_day);

CREATE TABLE grid_gap (
  id        @id,
  version   @int  NOT NULL,
  grid_code @text NOT NULL,
  title     @text NOT NULL,
  kind      @text NOT NULL,
  state     @text NOT NULL,
  km2       @real,
  lon       @real,
  lat       @real,
  explain   @text NOT NULL,
  since_at  @ms   NOT NULL,
  ended_at  @ms
) @strict;
CREATE INDEX grid_gap_open ON grid_gap (state, kind, grid_code);

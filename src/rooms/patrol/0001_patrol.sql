-- 巡查: plans (定任务), patrols with their proof, and the scheme of assessment (定考核).
CREATE TABLE patrol_plan (
  id         @id,
  version    @int  NOT NULL,
  grid_code  @text NOT NULL,
  title      @text NOT NULL,
  times      @int  NOT NULL,
  every_days @int  NOT NULL,
  checklist  @text,
  from_day   @day  NOT NULL,
  to_day     @day,
  basis      @text
) @strict;
CREATE INDEX patrol_plan_grid ON patrol_plan (grid_code);

CREATE TABLE patrol (
  id         @id,
  version    @int  NOT NULL,
  grid_code  @text NOT NULL,
  title      @text NOT NULL,
  plan_id    @int,
  state      @text NOT NULL,
  officer_id @int  NOT NULL,
  lon        @real NOT NULL,
  lat        @real NOT NULL,
  started_at @ms   NOT NULL,
  ended_at   @ms,
  summary    @text,
  track      @text,
  minutes    @real,
  metres     @real,
  inside     @real,
  valid      @bool NOT NULL,
  explain    @text
) @strict;
CREATE INDEX patrol_officer ON patrol (officer_id, ended_at);
CREATE INDEX patrol_grid ON patrol (grid_code, id);

CREATE TABLE assess_scheme (
  id        @id,
  version   @int  NOT NULL,
  indicator @text NOT NULL,
  weight    @real NOT NULL,
  target    @real NOT NULL,
  from_day  @day  NOT NULL,
  to_day    @day,
  basis     @text
) @strict;

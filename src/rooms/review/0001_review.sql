-- 数据审核
CREATE TABLE review (
  id         @id,
  version    @int  NOT NULL,
  grid_code  @text NOT NULL,
  title      @text NOT NULL,
  station_id @int  NOT NULL,
  factor     @text NOT NULL,
  kind       @text NOT NULL,
  from_at    @ms   NOT NULL,
  to_at      @ms   NOT NULL,
  action     @text NOT NULL,
  new_flag   @text,
  new_value  @real,
  reason     @text NOT NULL,
  state      @text NOT NULL,
  decided_by @int,
  decided_at @ms,
  applied_at @ms,
  affected   @int,
  created_by @int,
  created_at @ms   NOT NULL,
  updated_at @ms   NOT NULL
) @strict;
CREATE INDEX review_grid ON review (grid_code, id);
CREATE INDEX review_state ON review (state, id);

-- 生产与治理用电配对
CREATE TABLE power_pair (
  id                    @id,
  version               @int  NOT NULL,
  grid_code             @text NOT NULL,
  name                  @text NOT NULL,
  production_station_id @int  NOT NULL,
  production_factor     @text NOT NULL,
  production_on         @real NOT NULL,
  treatment_station_id  @int  NOT NULL,
  treatment_factor      @text NOT NULL,
  treatment_on          @real NOT NULL,
  minutes               @int  NOT NULL,
  enabled               @bool NOT NULL,
  updated_at            @ms   NOT NULL
) @strict;
CREATE INDEX power_pair_treatment ON power_pair (treatment_station_id);

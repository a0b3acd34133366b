-- 上级平台: where readings are sent on to, under which names, and what was not taken there
CREATE TABLE upstream (
  id              @id,
  version         @int  NOT NULL,
  grid_code       @text NOT NULL,
  name            @text NOT NULL,
  kind            @text NOT NULL,
  host            @text NOT NULL,
  port            @int  NOT NULL,
  tls             @bool NOT NULL,
  ca              @text,
  login           @text,
  password        @text,
  topic           @text,
  per_factor      @bool NOT NULL,
  station_kinds   @text,
  only_listed     @bool NOT NULL,
  fwd_rtd         @bool NOT NULL,
  fwd_min         @bool NOT NULL,
  fwd_hour        @bool NOT NULL,
  fwd_daily         @bool NOT NULL,
  fwd_other       @bool NOT NULL,
  since           @ms,
  window_size     @int,
  timeout_s       @int,
  retries         @int,
  enabled         @bool NOT NULL,
  state           @text NOT NULL,
  lag_s           @int,
  position        @int,       -- packet id: everything up to here is done with
  position_at     @ms,
  qn              @int,       -- the last number given; belongs to position
  sent            @int,
  acknowledged    @int,
  failures        @int,
  parked          @int,
  acknowledged_at @ms,
  error           @text
) @strict;

CREATE TABLE upstream_station (
  id          @id,
  version     @int  NOT NULL,
  grid_code   @text NOT NULL,
  title       @text NOT NULL,
  upstream_id @int  NOT NULL REFERENCES upstream (id),
  station_id  @int  NOT NULL,
  mn          @text,
  pw          @text,
  UNIQUE (upstream_id, station_id)
) @strict;

-- Packets that the other side refused while others passed; sent again from time to time (again_at), never when that is null.
CREATE TABLE upstream_parked (
  upstream_id @int NOT NULL,
  packet_id   @int NOT NULL,
  station_id  @int NOT NULL,
  qn          @int NOT NULL,
  tries       @int NOT NULL,
  again_at    @ms,
  PRIMARY KEY (upstream_id, packet_id)
) @strict;
CREATE INDEX upstream_parked_station ON upstream_parked (upstream_id, station_id);

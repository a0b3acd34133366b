-- 报警: episodes, the rules that make them, reported maintenance, and how far readings have been judged.
CREATE TABLE alarm (
  id               @id,
  version          @int  NOT NULL,
  grid_code        @text NOT NULL,
  title            @text NOT NULL,
  station_id       @int  NOT NULL,
  factor           @text NOT NULL, -- '' = the whole station
  type             @text NOT NULL,
  severity         @text NOT NULL,
  state            @text NOT NULL,
  period           @text NOT NULL, -- kind of reading that was judged; '' = none
  value            @real,
  limit_value      @real,
  count            @int  NOT NULL,
  began_at         @ms   NOT NULL,
  last_at          @ms   NOT NULL,
  ended_at         @ms,
  explain          @text NOT NULL,
  basis            @text,
  silenced         @bool NOT NULL,
  silence_id       @int,
  matter_id        @int,
  escalate_minutes @int  NOT NULL,
  lasting_minutes  @int  NOT NULL,
  raised_at        @ms   NOT NULL,
  updated_at       @ms   NOT NULL
) @strict;
CREATE INDEX alarm_key ON alarm (station_id, factor, type, id);
CREATE INDEX alarm_state ON alarm (state, id);
CREATE INDEX alarm_matter ON alarm (matter_id);
CREATE INDEX alarm_grid ON alarm (grid_code, id);

CREATE TABLE alarm_rule (
  id               @id,
  version          @int  NOT NULL,
  title            @text NOT NULL,
  type             @text NOT NULL,
  station_kind     @text NOT NULL,
  factor           @text,
  period           @text NOT NULL,
  enabled          @bool NOT NULL,
  threshold        @real,
  worse            @real,
  letters          @text,
  on_n             @int  NOT NULL,
  on_of            @int  NOT NULL,
  off_n            @int  NOT NULL,
  delay_minutes    @int  NOT NULL,
  merge_minutes    @int  NOT NULL,
  severity         @text NOT NULL,
  policy           @text NOT NULL,
  escalate_minutes @int  NOT NULL,
  lasting_minutes  @int  NOT NULL,
  close_n          @int  NOT NULL,
  basis            @text,
  updated_at       @ms   NOT NULL
) @strict;

-- Reported maintenance: alarms inside are recorded, but open no matter.
CREATE TABLE silence (
  id          @id,
  version     @int  NOT NULL,
  grid_code   @text NOT NULL,
  title       @text NOT NULL,
  station_id  @int  NOT NULL,
  factor      @text,
  from_at     @ms   NOT NULL,
  to_at       @ms   NOT NULL,
  reason      @text NOT NULL,
  state       @text NOT NULL,
  overlong    @bool NOT NULL,
  overlapping @bool NOT NULL,
  late        @bool NOT NULL,
  created_by  @int,
  created_at  @ms   NOT NULL,
  approved_by @int,
  decided_at  @ms
) @strict;
CREATE INDEX silence_station ON silence (station_id, to_at);
CREATE INDEX silence_grid ON silence (grid_code, id);

-- How far judging has come, written together with its effects: name 'packet' (id in the telemetry store), 'missing.hour', 'missing.day'.
CREATE TABLE alarm_mark (
  name @text NOT NULL PRIMARY KEY,
  at   @int  NOT NULL
) @strict;

-- Series that were in the middle of something at the mark (a window half full, an episode going on).
CREATE TABLE alarm_watch (
  station_id @int  NOT NULL,
  factor     @text NOT NULL,
  kind       @text NOT NULL,
  type       @text NOT NULL,
  bits       @int  NOT NULL, -- bad = 1, newest lowest
  seen       @int  NOT NULL,
  good       @int  NOT NULL,
  up         @bool NOT NULL, -- an episode is going on
  since      @ms   NOT NULL,
  last       @ms   NOT NULL,
  worst      @real,
  value      @real,
  PRIMARY KEY (station_id, factor, kind, type)
) @strict;

-- Telemetry on PostgreSQL. What arrives is appended to one of two tables without a key on readings (append is then as fast as COPY), and
-- a moment later moved, sorted, into tables by kind that are partitioned by month: doc/decisions/0003-telemetry-on-postgresql.md.
-- at of a reading: DataTime, and for min, hour and day the start of the period. kind: 0 rtd, 1 min, 2 hour, 3 day, 4 hour_calc, 5 day_calc.

-- Every packet that was taken, as it came. The unique key is the fingerprint of a packet that is sent again.
CREATE TABLE tele_packet (
  id         @int NOT NULL,
  station_id @int NOT NULL,
  received   @ms NOT NULL,
  at         @ms NOT NULL,   -- DataTime, 0 when the command has none
  pnum       @int NOT NULL,  -- 0 when not split
  pno        @int NOT NULL,
  digest     @int NOT NULL,  -- FNV-1a of raw
  readings   @int NOT NULL,
  qn         @text NOT NULL,
  st         @text NOT NULL,
  cn         @text NOT NULL,
  peer       @text NOT NULL,
  note       @text NOT NULL, -- what was forgiven
  raw        @blob NOT NULL,
  UNIQUE (station_id, at, cn, qn, pno, digest)
) PARTITION BY RANGE (at);
CREATE INDEX tele_packet_by_id ON tele_packet (id);
CREATE INDEX tele_packet_by_station ON tele_packet (station_id, id);
CREATE INDEX tele_packet_parts ON tele_packet (station_id, cn, at) WHERE pnum > 0;

CREATE TABLE tele_reading_rtd (
  station_id @int NOT NULL,
  at         @ms NOT NULL,
  packet_id  @int NOT NULL,
  value      @real,          -- Rtd or Avg
  vmin       @real,
  vmax       @real,
  cou        @real,
  zs         @real,
  factor     @text NOT NULL,
  flag       @text,
  PRIMARY KEY (station_id, factor, at)
) PARTITION BY RANGE (at);
CREATE TABLE tele_reading_min (LIKE tele_reading_rtd INCLUDING ALL) PARTITION BY RANGE (at);
CREATE TABLE tele_reading_hour (LIKE tele_reading_rtd INCLUDING ALL) PARTITION BY RANGE (at);
CREATE TABLE tele_reading_day (LIKE tele_reading_rtd INCLUDING ALL) PARTITION BY RANGE (at);
CREATE TABLE tele_reading_hour_calc (LIKE tele_reading_rtd INCLUDING ALL) PARTITION BY RANGE (at);
CREATE TABLE tele_reading_day_calc (LIKE tele_reading_rtd INCLUDING ALL) PARTITION BY RANGE (at);

-- Before 1980 (a packet without DataTime has at 0) and from 2100 on: no months there. Months between are made when needed.
CREATE TABLE tele_packet_old PARTITION OF tele_packet FOR VALUES FROM (MINVALUE) TO (315504000000);
CREATE TABLE tele_packet_far PARTITION OF tele_packet FOR VALUES FROM (4102416000000) TO (MAXVALUE);
CREATE TABLE tele_reading_rtd_old PARTITION OF tele_reading_rtd FOR VALUES FROM (MINVALUE) TO (315504000000);
CREATE TABLE tele_reading_rtd_far PARTITION OF tele_reading_rtd FOR VALUES FROM (4102416000000) TO (MAXVALUE);
CREATE TABLE tele_reading_min_old PARTITION OF tele_reading_min FOR VALUES FROM (MINVALUE) TO (315504000000);
CREATE TABLE tele_reading_min_far PARTITION OF tele_reading_min FOR VALUES FROM (4102416000000) TO (MAXVALUE);
CREATE TABLE tele_reading_hour_old PARTITION OF tele_reading_hour FOR VALUES FROM (MINVALUE) TO (315504000000);
CREATE TABLE tele_reading_hour_far PARTITION OF tele_reading_hour FOR VALUES FROM (4102416000000) TO (MAXVALUE);
CREATE TABLE tele_reading_day_old PARTITION OF tele_reading_day FOR VALUES FROM (MINVALUE) TO (315504000000);
CREATE TABLE tele_reading_day_far PARTITION OF tele_reading_day FOR VALUES FROM (4102416000000) TO (MAXVALUE);
CREATE TABLE tele_reading_hour_calc_old PARTITION OF tele_reading_hour_calc FOR VALUES FROM (MINVALUE) TO (315504000000);
CREATE TABLE tele_reading_hour_calc_far PARTITION OF tele_reading_hour_calc FOR VALUES FROM (4102416000000) TO (MAXVALUE);
CREATE TABLE tele_reading_day_calc_old PARTITION OF tele_reading_day_calc FOR VALUES FROM (MINVALUE) TO (315504000000);
CREATE TABLE tele_reading_day_calc_far PARTITION OF tele_reading_day_calc FOR VALUES FROM (4102416000000) TO (MAXVALUE);

-- What has arrived: commits go to the one while the other is moved and emptied.
CREATE TABLE tele_packet_0 (LIKE tele_packet) WITH (autovacuum_enabled = false);
CREATE TABLE tele_packet_1 (LIKE tele_packet) WITH (autovacuum_enabled = false);
CREATE INDEX tele_packet_0_by_id ON tele_packet_0 (id);
CREATE INDEX tele_packet_1_by_id ON tele_packet_1 (id);
CREATE INDEX tele_packet_0_by_time ON tele_packet_0 (station_id, at);
CREATE INDEX tele_packet_1_by_time ON tele_packet_1 (station_id, at);
CREATE TABLE tele_reading_0 (LIKE tele_reading_rtd, kind SMALLINT NOT NULL) WITH (autovacuum_enabled = false);
CREATE TABLE tele_reading_1 (LIKE tele_reading_0) WITH (autovacuum_enabled = false);

-- What a reading was before a later packet gave another value for the same time.
CREATE TABLE tele_reading_was (
  station_id @int NOT NULL,
  at         @ms NOT NULL,
  packet_id  @int NOT NULL,
  value      @real,
  vmin       @real,
  vmax       @real,
  cou        @real,
  zs         @real,
  factor     @text NOT NULL,
  flag       @text,
  kind       SMALLINT NOT NULL,
  replaced   @ms NOT NULL,
  by_packet  @int NOT NULL,
  PRIMARY KEY (station_id, factor, kind, at, by_packet)
);
CREATE INDEX tele_reading_was_by_station ON tele_reading_was (station_id, by_packet);

-- The newest reading of each channel and the newest time of each command, of what was moved: what is later than these cannot be there
-- already, so that an ordinary packet is taken without looking for it.
CREATE TABLE tele_latest (
  station_id @int NOT NULL,
  at         @ms NOT NULL,
  packet_id  @int NOT NULL,
  value      @real,
  vmin       @real,
  vmax       @real,
  cou        @real,
  zs         @real,
  factor     @text NOT NULL,
  flag       @text,
  kind       SMALLINT NOT NULL,
  received   @ms NOT NULL,
  PRIMARY KEY (station_id, factor, kind)
);
CREATE TABLE tele_mark (
  station_id @int NOT NULL,
  cn         @text NOT NULL,
  at         @ms NOT NULL,
  PRIMARY KEY (station_id, cn)
);

-- One row. Ids go on from last_packet even when retention has dropped that packet. taken: when the telemetry of an earlier SQLite file was
-- taken over.
CREATE TABLE tele_state (
  id          @int NOT NULL PRIMARY KEY CHECK (id = 1),
  last_packet @int NOT NULL,
  taken       @ms
);
INSERT INTO tele_state (id, last_packet) VALUES (1, 0);

-- What was broken or not ours, as evidence. Bounded.
CREATE TABLE tele_refused (
  id         @id,
  received   @ms NOT NULL,
  reason     @text NOT NULL,
  detail     @text NOT NULL,
  station_id @int,
  mn         @text NOT NULL,
  cn         @text NOT NULL,
  peer       @text NOT NULL,
  size       @int NOT NULL,
  raw        @blob NOT NULL
);
CREATE TABLE tele_quarantine (LIKE tele_refused INCLUDING ALL);

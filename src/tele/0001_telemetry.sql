-- Telemetry. On SQLite this is a database of its own. On PostgreSQL it lies beside the records.

-- Every packet that was taken, as it came. The unique key makes a packet that is sent again the same packet.
CREATE TABLE packet (
  id         @id,
  station_id @int NOT NULL,
  received   @ms NOT NULL,
  at         @ms NOT NULL,   -- DataTime, 0 when the command has none
  qn         @text NOT NULL,
  st         @text NOT NULL,
  cn         @text NOT NULL,
  pno        @int NOT NULL,  -- 0 when not split
  digest     @int NOT NULL,  -- FNV-1a of raw
  peer       @text NOT NULL,
  note       @text NOT NULL, -- what was forgiven
  readings   @int NOT NULL,
  raw        @blob NOT NULL,
  UNIQUE (station_id, at, cn, qn, pno, digest)
) @strict;
CREATE INDEX packet_by_station ON packet (station_id, id);

-- kind: rtd, min, hour, day. at: DataTime, and for min, hour and day the start of the period. value: Rtd or Avg.
CREATE TABLE reading (
  station_id @int NOT NULL,
  factor     @text NOT NULL,
  kind       @text NOT NULL,
  at         @ms NOT NULL,
  value      @real,
  vmin       @real,
  vmax       @real,
  cou        @real,
  zs         @real,
  flag       @text,
  packet_id  @int NOT NULL,
  PRIMARY KEY (station_id, factor, kind, at)
) @strict;

-- What a reading was before a later packet gave another value for the same time.
CREATE TABLE reading_was (
  id         @id,
  station_id @int NOT NULL,
  factor     @text NOT NULL,
  kind       @text NOT NULL,
  at         @ms NOT NULL,
  value      @real,
  vmin       @real,
  vmax       @real,
  cou        @real,
  zs         @real,
  flag       @text,
  packet_id  @int NOT NULL,
  replaced   @ms NOT NULL,
  by_packet  @int NOT NULL
) @strict;
CREATE INDEX reading_was_by_station ON reading_was (station_id, id);

-- The newest reading of each channel, kept by the same commit, so that it is never searched for.
CREATE TABLE latest (
  station_id @int NOT NULL,
  factor     @text NOT NULL,
  kind       @text NOT NULL,
  at         @ms NOT NULL,
  value      @real,
  vmin       @real,
  vmax       @real,
  cou        @real,
  zs         @real,
  flag       @text,
  packet_id  @int NOT NULL,
  received   @ms NOT NULL,
  PRIMARY KEY (station_id, factor, kind)
) @strict;

-- When a station was last heard.
CREATE TABLE contact (
  station_id @int NOT NULL PRIMARY KEY,
  received   @ms NOT NULL,
  cn         @text NOT NULL,
  peer       @text NOT NULL
) @strict;

-- Parts of split messages: complete when there are pnum of them.
CREATE TABLE packet_part (
  station_id @int NOT NULL,
  cn         @text NOT NULL,
  at         @ms NOT NULL,
  pnum       @int NOT NULL,
  pno        @int NOT NULL,
  packet_id  @int NOT NULL,
  PRIMARY KEY (station_id, cn, at, pnum, pno)
) @strict;

-- A batch of which some readings are there already is compared here, and is gone before the commit ends.
CREATE TABLE incoming (
  seq        @int NOT NULL PRIMARY KEY,
  station_id @int NOT NULL,
  factor     @text NOT NULL,
  kind       @text NOT NULL,
  at         @ms NOT NULL,
  value      @real,
  vmin       @real,
  vmax       @real,
  cou        @real,
  zs         @real,
  flag       @text,
  packet_id  @int NOT NULL
) @strict;

-- What was broken or not ours, as evidence. Bounded.
CREATE TABLE refused (
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
) @strict;

CREATE TABLE quarantine (
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
) @strict;

-- 数据接入: brokers that are listened to, and what each low-cost station may send over HTTP or MQTT
CREATE TABLE mqtt_source (
  id        @id,
  version   @int  NOT NULL,
  grid_code @text NOT NULL,
  name      @text NOT NULL,
  host      @text NOT NULL,
  port      @int  NOT NULL,
  tls       @bool NOT NULL,
  ca        @text,
  login     @text,
  password  @text,
  topic     @text NOT NULL,
  session_name @text NOT NULL,
  enabled   @bool NOT NULL,
  state     @text NOT NULL,
  received  @int,
  accepted  @int,
  refused   @int,
  last_at   @ms,
  error     @text
) @strict;

-- token_hash: BLAKE2b of the token, which is shown once and kept nowhere.
CREATE TABLE feed (
  id         @id,
  version    @int  NOT NULL,
  grid_code  @text NOT NULL,
  title      @text NOT NULL,
  station_id @int  NOT NULL,
  via        @text NOT NULL,
  source_id  @int,
  ident      @text,
  enabled    @bool NOT NULL,
  state      @text NOT NULL,
  token_hint @text,
  token_hash @text UNIQUE,
  issued_at  @ms,
  accepted   @int,
  refused    @int,
  last_at    @ms,
  error      @text
) @strict;
CREATE INDEX feed_station ON feed (station_id);
CREATE UNIQUE INDEX feed_ident ON feed (source_id, ident);

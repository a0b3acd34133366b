-- 事项: a found problem, from finding to verified closing.
CREATE TABLE matter (
  id             @id,
  version        @int  NOT NULL,
  grid_code      @text NOT NULL,
  no             @text NOT NULL UNIQUE,
  title          @text NOT NULL,
  category       @text NOT NULL,
  origin         @text NOT NULL,
  state          @text NOT NULL,
  description    @text,
  address        @text,
  lon            @real NOT NULL,
  lat            @real NOT NULL,
  source_id      @int,
  station_id     @int,
  found_at       @ms   NOT NULL,
  reporter_name  @text,
  reporter_phone @text,
  officer_id     @int,
  supervised     @bool NOT NULL,
  returns        @int  NOT NULL,
  reworks        @int  NOT NULL,
  delay_until    @ms,
  result         @text,
  handled_at     @ms,
  closed_at      @ms,
  created_by     @int,
  created_at     @ms   NOT NULL,
  updated_at     @ms   NOT NULL
) @strict;
CREATE INDEX matter_grid ON matter (grid_code, id);
CREATE INDEX matter_state ON matter (state, id);
CREATE INDEX matter_found ON matter (found_at, id);
CREATE INDEX matter_station ON matter (station_id, id);

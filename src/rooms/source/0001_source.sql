-- 污染源
CREATE TABLE source (
  id           @id,
  version      @int  NOT NULL,
  grid_code    @text NOT NULL,
  name         @text NOT NULL,
  credit_code  @text,
  industry     @text,
  address      @text,
  lon          @real NOT NULL,
  lat          @real NOT NULL,
  permit_no    @text,
  permit_class @text NOT NULL,
  key_source   @bool NOT NULL,
  invented     @bool NOT NULL,
  created_at   @ms   NOT NULL,
  updated_at   @ms   NOT NULL
) @strict;
CREATE INDEX source_grid ON source (grid_code, id);
CREATE INDEX source_name ON source (name);

-- 网格: divisions and cells, the posts on them, functional zones over them.
CREATE TABLE area (
  id          @id,
  version     @int  NOT NULL,
  code        @text NOT NULL UNIQUE,
  name        @text NOT NULL,
  level       @text NOT NULL,
  parent_code @text NOT NULL,
  generated   @bool NOT NULL,
  duty        @text,
  shape       @text,
  from_day    @day,
  to_day      @day,
  successor   @text,
  updated_at  @ms   NOT NULL
) @strict;
CREATE INDEX area_parent ON area (parent_code, code);
CREATE INDEX area_level ON area (level, code);

CREATE TABLE post (
  id         @id,
  version    @int  NOT NULL,
  grid_code  @text NOT NULL,
  title      @text NOT NULL,
  kind       @text NOT NULL,
  account_id @int  NOT NULL,
  task       @text,
  from_day   @day  NOT NULL,
  to_day     @day
) @strict;
CREATE INDEX post_grid ON post (grid_code, kind);

CREATE TABLE zone (
  id      @id,
  version @int  NOT NULL,
  code    @text NOT NULL UNIQUE,
  name    @text NOT NULL,
  members @text NOT NULL
) @strict;

-- 试点
CREATE TABLE pilot (
  id        @id,
  version   @int  NOT NULL,
  grid_code @text NOT NULL,
  name      @text NOT NULL,
  theme     @text,
  state     @text NOT NULL
) @strict;

-- 设备命令
CREATE TABLE command (
  id           @id,
  version      @int  NOT NULL,
  grid_code    @text NOT NULL,
  title        @text NOT NULL,
  station_id   @int  NOT NULL,
  kind         @text NOT NULL,
  pol_id       @text,
  rtd_interval @int,
  min_interval @int,
  begin_at     @ms,
  end_at       @ms,
  start_time   @text,
  sample_hours @int,
  info_id      @text,
  info_value   @text,
  over_time    @int,
  re_count     @int,
  new_pw       @text,
  new_key      @text,
  expires_at   @ms   NOT NULL,
  state        @text NOT NULL,
  protocol     @int,
  qn           @text,
  tries        @int,
  packets      @int,
  qn_rtn       @int,
  exe_rtn      @int,
  answer       @text,
  outcome      @text,
  sent_at      @ms,
  confirmed_at @ms,
  ended_at     @ms,
  created_by   @int,
  created_at   @ms   NOT NULL,
  updated_at   @ms   NOT NULL
) @strict;
CREATE INDEX command_grid ON command (grid_code, id);
CREATE INDEX command_state ON command (state, station_id, id);

-- What went out and what came back, in its order. Passwords and keys are starred out.
CREATE TABLE command_packet (
  id         @id,
  command_id @int  NOT NULL,
  at         @ms   NOT NULL,
  outgoing   @bool NOT NULL,
  raw        @blob NOT NULL
) @strict;
CREATE INDEX command_packet_of ON command_packet (command_id, id);

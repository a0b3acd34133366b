-- The kernel's own tables. Words with @ are the portable types of db/migrate.c.

CREATE TABLE role (
  id        @id,
  version   @int  NOT NULL,
  code      @text NOT NULL UNIQUE,
  name      @text NOT NULL,
  name_en   @text NOT NULL,
  rights    @text NOT NULL
) @strict;

CREATE TABLE account (
  id           @id,
  version      @int  NOT NULL,
  grid_code    @text NOT NULL,
  login        @text NOT NULL UNIQUE,
  name         @text NOT NULL,
  phone        @text,
  role_id      @int  NOT NULL REFERENCES role (id),
  disabled     @bool NOT NULL,
  must_change  @bool NOT NULL,
  pass_hash    @text,
  failed       @int  NOT NULL,
  locked_until @ms,
  created_at   @ms
) @strict;
CREATE INDEX account_grid ON account (grid_code);

-- token_hash: BLAKE2b of the cookie, so that a copy of the database opens no session.
CREATE TABLE session (
  token_hash @text NOT NULL PRIMARY KEY,
  account_id @int  NOT NULL REFERENCES account (id),
  csrf       @text NOT NULL,
  peer       @text NOT NULL,
  created_at @ms   NOT NULL,
  seen_at    @ms   NOT NULL,
  expires_at @ms   NOT NULL
) @strict;
CREATE INDEX session_account ON session (account_id);

-- Places that a code stands for beside its own prefix: the members of a functional zone.
CREATE TABLE scope_member (
  code   @text NOT NULL,
  member @text NOT NULL,
  PRIMARY KEY (code, member)
) @strict;
CREATE INDEX scope_member_member ON scope_member (member);

CREATE TABLE audit (
  id         @int  NOT NULL PRIMARY KEY,
  at         @ms   NOT NULL,
  actor      @int  NOT NULL,
  peer       @text NOT NULL,
  topic      @text NOT NULL,
  row_id     @int  NOT NULL,
  grid_code  @text NOT NULL,
  verb       @text NOT NULL,
  from_state @text,
  to_state   @text,
  note       @text,
  files      @text,
  diff       @text,
  hash       @text NOT NULL
) @strict;
CREATE INDEX audit_row ON audit (topic, row_id, id);

-- One row: how long the chain is and where it ends. Locked for each entry, so that entries have no gaps.
CREATE TABLE audit_head (
  id   @int  NOT NULL PRIMARY KEY,
  n    @int  NOT NULL,
  hash @text NOT NULL
) @strict;
INSERT INTO audit_head (id, n, hash) VALUES (1, 0, '');

CREATE TABLE step (
  id         @id,
  topic      @text NOT NULL,
  row_id     @int  NOT NULL,
  grid_code  @text NOT NULL,
  title      @text NOT NULL,
  state      @text NOT NULL,
  right_name @text NOT NULL,
  holder_id  @int,
  started_at @ms   NOT NULL,
  due_at     @ms,
  limit_n    @int  NOT NULL,
  limit_unit @int  NOT NULL,
  covered    @bool NOT NULL,
  paused_at  @ms,
  pauses     @text NOT NULL,
  escalated  @int  NOT NULL,
  ended_at   @ms,
  ended_by   @int,
  ended_verb @text
) @strict;
CREATE INDEX step_row ON step (topic, row_id, id);
CREATE INDEX step_open ON step (ended_at, due_at);
CREATE INDEX step_holder ON step (holder_id, ended_at);
CREATE INDEX step_done ON step (ended_by, ended_at);

CREATE TABLE notice (
  id         @id,
  account_id @int  NOT NULL REFERENCES account (id),
  at         @ms   NOT NULL,
  body       @text NOT NULL,
  topic      @text NOT NULL,
  row_id     @int  NOT NULL,
  read_at    @ms
) @strict;
CREATE INDEX notice_account ON notice (account_id, read_at, id);

CREATE TABLE file (
  hash       @text NOT NULL PRIMARY KEY,
  type       @text NOT NULL,
  size       @int  NOT NULL,
  created_at @ms   NOT NULL,
  created_by @int  NOT NULL
) @strict;
CREATE TABLE file_use (
  hash   @text NOT NULL REFERENCES file (hash),
  topic  @text NOT NULL,
  row_id @int  NOT NULL,
  name   @text NOT NULL,
  at     @ms   NOT NULL,
  PRIMARY KEY (hash, topic, row_id)
) @strict;
CREATE INDEX file_use_row ON file_use (topic, row_id);

-- Numbers that must have no gaps (events, documents): one row per series, locked while it counts.
CREATE TABLE counter (
  name @text NOT NULL PRIMARY KEY,
  n    @int  NOT NULL
) @strict;

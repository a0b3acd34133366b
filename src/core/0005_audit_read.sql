-- The audit trail as a record type: newest first by each of its filters, however long it is.
ALTER TABLE audit ADD COLUMN version @int NOT NULL DEFAULT 1;
DROP INDEX audit_row;
CREATE INDEX audit_row ON audit (topic, row_id, at, id);
CREATE INDEX audit_time ON audit (at, id);
CREATE INDEX audit_topic ON audit (topic, at, id);
CREATE INDEX audit_actor ON audit (actor, at, id);
CREATE INDEX audit_verb ON audit (verb, at, id);
CREATE INDEX audit_grid ON audit (grid_code, at, id);

-- Each time the chain was checked: where it ended then, how far the check is, what it found.
CREATE TABLE audit_check (
  id         @id,
  version    @int  NOT NULL,
  state      @text NOT NULL,
  upto       @int  NOT NULL,
  head       @text NOT NULL,
  anchor     @text,
  anchor_at  @int,
  done       @int  NOT NULL,
  done_hash  @text NOT NULL,
  bad        @int,
  finding    @text,
  created_by @int,
  created_at @ms   NOT NULL,
  ended_at   @ms
) @strict;
CREATE INDEX audit_check_state ON audit_check (state, id);

-- What devices have sent again for reviewed values: kept out of the store, shown to the reviewer.
ALTER TABLE review ADD COLUMN resent @int;
CREATE TABLE review_resent (
  id         @id,
  review_id  @int  NOT NULL,
  station_id @int  NOT NULL,
  factor     @text NOT NULL,
  kind       @text NOT NULL,
  at         @ms   NOT NULL,
  value      @real,
  flag       @text,
  packet_id  @int,
  received   @ms   NOT NULL
) @strict;
CREATE INDEX review_resent_of ON review_resent (review_id, id);

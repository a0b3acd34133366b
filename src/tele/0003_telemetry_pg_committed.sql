-- One row: the batch that was committed last, by a name that no other batch ever has. Whoever lost the answer to a COMMIT reads here whether
-- it happened. (The number of a transaction would not do: after a crash PostgreSQL may give a number again that left nothing in its log.)
CREATE TABLE tele_committed (
  id    @int NOT NULL PRIMARY KEY CHECK (id = 1),
  batch @text NOT NULL
);
INSERT INTO tele_committed (id, batch) VALUES (1, '');

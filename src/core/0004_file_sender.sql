-- Everybody who has sent a file may attach it, also when another had sent the same bytes before. 0: the public.
CREATE TABLE file_sender (
  hash       @text NOT NULL REFERENCES file (hash),
  account_id @int  NOT NULL,
  PRIMARY KEY (hash, account_id)
) @strict;
INSERT INTO file_sender (hash, account_id) SELECT hash, created_by FROM file;

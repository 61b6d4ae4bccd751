-- +goose Up
-- The frames of a call that has ended stand in the row of its first record, NULL for none: with a table
-- of their own each commit would write two pages for one. They are compressed as before (zlib with a
-- dictionary, ledger.Compress). Those of open calls are packed from here on (ledger.Pack), and older
-- ones are read as they are.
-- The text of a leaf about a new record is packed, too: the byte 1, and the two hashes that it ends with.
ALTER TABLE record ADD COLUMN frames BLOB;
UPDATE record SET frames = (SELECT e.frames FROM evidence e WHERE e.seq = record.seq)
WHERE seq IN (SELECT seq FROM evidence);
DROP TABLE evidence;

-- +goose Down
CREATE TABLE evidence (
  seq    INTEGER PRIMARY KEY,
  frames BLOB NOT NULL
) STRICT;
INSERT INTO evidence (seq, frames) SELECT seq, frames FROM record WHERE frames IS NOT NULL;
ALTER TABLE record DROP COLUMN frames;

-- +goose Up

-- The Merkle log of the records: what was done to which record, in order, and the tree's hashes (RFC 6962, in tlog's order).
CREATE TABLE leaf (
  n      INTEGER PRIMARY KEY,
  record TEXT NOT NULL,
  text   BLOB NOT NULL
) STRICT;
CREATE INDEX leaf_record ON leaf (record);
CREATE TABLE leaf_hash (
  i    INTEGER PRIMARY KEY,
  hash BLOB NOT NULL
) STRICT;

-- The log's signed heads.
CREATE TABLE head (
  seq  INTEGER PRIMARY KEY AUTOINCREMENT,
  n    INTEGER NOT NULL,
  at   INTEGER NOT NULL,
  note BLOB NOT NULL
) STRICT;

-- Contested calls: their detail is kept while closed_at is NULL.
CREATE TABLE dispute (
  call      TEXT PRIMARY KEY,
  opened_at INTEGER NOT NULL,
  closed_at INTEGER,
  note      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- When the caller's detail was taken out of the record.
ALTER TABLE record ADD COLUMN erased_at INTEGER;

-- +goose Down
ALTER TABLE record DROP COLUMN erased_at;
DROP TABLE dispute;
DROP TABLE head;
DROP TABLE leaf_hash;
DROP TABLE leaf;

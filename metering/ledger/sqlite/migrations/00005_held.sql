-- +goose Up

-- The caller's number of an open call, encrypted under the callers' key: for asking again whether the caller is exempt.
ALTER TABLE open_call ADD COLUMN sealed BLOB;

-- Calls that have ended while nobody could say whether the caller is exempt. The row, and the number in it, goes when that is known.
CREATE TABLE held (
  call       TEXT PRIMARY KEY,
  arrived_at INTEGER NOT NULL,
  sealed     BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE held;
ALTER TABLE open_call DROP COLUMN sealed;

-- +goose Up
-- Instants are milliseconds since 1970, UTC, of the PBX's own clock.

-- How far each PBX has been seen.
CREATE TABLE node (
  node    TEXT PRIMARY KEY,
  sure_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Calls that have arrived and not ended. What is known of them is their evidence.
CREATE TABLE open_call (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  call       TEXT NOT NULL UNIQUE,
  node       TEXT NOT NULL,
  service    TEXT NOT NULL,
  arrived_at INTEGER NOT NULL
) STRICT;

-- The frames of each call, in the order of arrival.
CREATE TABLE evidence (
  seq   INTEGER PRIMARY KEY AUTOINCREMENT,
  call  TEXT NOT NULL,
  frame BLOB NOT NULL
) STRICT;
CREATE INDEX evidence_call ON evidence (call, seq);

-- One row for each version of each call's record; json is the record as it was announced.
CREATE TABLE record (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  record     TEXT NOT NULL UNIQUE,
  call       TEXT NOT NULL,
  version    INTEGER NOT NULL,
  service    TEXT NOT NULL,
  arrived_at INTEGER NOT NULL,
  json       BLOB NOT NULL,
  UNIQUE (call, version)
) STRICT;
CREATE INDEX record_arrived ON record (arrived_at, seq);

-- Frames that could not be read: what was wrong with them, not what they said.
CREATE TABLE reject (
  seq    INTEGER PRIMARY KEY AUTOINCREMENT,
  node   TEXT NOT NULL,
  at     INTEGER NOT NULL,
  bytes  INTEGER NOT NULL,
  type   TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  error  TEXT NOT NULL
) STRICT;

-- +goose Down
DROP TABLE reject;
DROP TABLE record;
DROP TABLE evidence;
DROP TABLE open_call;
DROP TABLE node;

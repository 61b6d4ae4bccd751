-- +goose Up
-- Instants are milliseconds since 1970, UTC: of the PBX's own clock, but for those of disputes,
-- heads and erasure, which are this machine's.

-- Up to when each PBX was seen without a gap, NULL if it never was; what its last run left to the
-- next one, NULL while a run is at work; and its last batch. A commit can fail and be kept all the
-- same; when it is tried again, the batch shows it.
CREATE TABLE node (
  node       TEXT PRIMARY KEY,
  watermark  INTEGER,
  checkpoint BLOB,
  last_batch TEXT
) STRICT, WITHOUT ROWID;

-- Calls that have arrived and not ended. What is known of them is their evidence. encrypted_caller
-- is the caller's number under the callers' key, kept while the lookups may have to be asked again.
CREATE TABLE open_call (
  seq              INTEGER PRIMARY KEY,
  call             TEXT NOT NULL UNIQUE,
  node             TEXT NOT NULL,
  service          TEXT NOT NULL,
  arrived_at       INTEGER NOT NULL,
  encrypted_caller BLOB
) STRICT;

-- The frames of open calls, each followed by a newline, in the order of arrival: a row has those of
-- one call in one commit, compressed as those of ended calls are. id is the open call's seq * 2^24 and
-- a count, so that the rows of a call stand together.
CREATE TABLE open_evidence (
  id     INTEGER PRIMARY KEY,
  frames BLOB NOT NULL
) STRICT;

-- The frames of calls that have ended, each followed by a newline, compressed (zlib with a
-- dictionary, ledger.Compress). seq is that of
-- the call's first record.
CREATE TABLE evidence (
  seq    INTEGER PRIMARY KEY,
  frames BLOB NOT NULL
) STRICT;

-- One row for each version of each call's record; json is the version as it was committed.
CREATE TABLE record (
  seq        INTEGER PRIMARY KEY,
  record     TEXT NOT NULL UNIQUE,
  call       TEXT NOT NULL,
  version    INTEGER NOT NULL,
  service    TEXT NOT NULL,
  arrived_at INTEGER NOT NULL,
  json       BLOB NOT NULL,
  erased_at  INTEGER,
  UNIQUE (call, version)
) STRICT;
CREATE INDEX record_arrived ON record (arrived_at, seq);
-- What is to be erased is found at the same cost however much was erased before.
CREATE INDEX record_erasable ON record (arrived_at) WHERE erased_at IS NULL AND version = 1;

-- Before when calls may have arrived whose detail is erased: no call from before is entered again.
CREATE TABLE erased (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  before INTEGER NOT NULL
) STRICT;

-- What is counted of the calls (metering/quality), in JSON. queue and operator are '' where the row
-- is of another level. It stays when the detail of the calls is erased.
CREATE TABLE quality (
  day      TEXT NOT NULL,
  hour     INTEGER NOT NULL,
  service  TEXT NOT NULL,
  queue    TEXT NOT NULL,
  operator TEXT NOT NULL,
  counts   BLOB NOT NULL,
  PRIMARY KEY (day, hour, service, queue, operator)
) STRICT, WITHOUT ROWID;

-- The seq up to which all records are in the rows of quality: one row. What later ones count is read
-- from them.
CREATE TABLE quality_counted (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL
) STRICT;

-- The day before which the counts of all days are in the ledger log: one row.
CREATE TABLE quality_closed (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  day TEXT NOT NULL
) STRICT;

-- The first day for which it is not counted yet who called again: one row.
CREATE TABLE quality_repeats (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  day TEXT NOT NULL
) STRICT;

-- Calls that ended before a lookup had answered whether their caller is exempt. The row, and the
-- number in it, goes when there is an answer.
CREATE TABLE pending_record (
  call             TEXT PRIMARY KEY,
  arrived_at       INTEGER NOT NULL,
  encrypted_caller BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Frames that could not be read: what was wrong with them, not what they contain.
CREATE TABLE reject (
  seq    INTEGER PRIMARY KEY,
  node   TEXT NOT NULL,
  at     INTEGER NOT NULL,
  bytes  INTEGER NOT NULL,
  type   TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  error  TEXT NOT NULL
) STRICT;

-- The ledger log: what was done to which record, in order, and the hashes of its Merkle tree (RFC
-- 6962, in tlog's order).
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

-- The signed heads of the ledger log.
CREATE TABLE head (
  seq  INTEGER PRIMARY KEY,
  n    INTEGER NOT NULL,
  at   INTEGER NOT NULL,
  note BLOB NOT NULL
) STRICT;

-- Contested calls: their detail is not erased while closed_at is NULL.
CREATE TABLE dispute (
  call      TEXT PRIMARY KEY,
  opened_at INTEGER NOT NULL,
  closed_at INTEGER,
  note      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What is known of the exemption register: one row.
CREATE TABLE noted_register (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  state BLOB NOT NULL
) STRICT;

-- Who pays for a call whose newest version charges something, or may: the caller's number under the
-- callers' key, until the first delivery replaces it by one that only the billing department reads.
CREATE TABLE payer (
  call             TEXT PRIMARY KEY,
  encrypted_caller BLOB,
  sealed           BLOB
) STRICT, WITHOUT ROWID;

-- One row while payers are kept, none otherwise.
CREATE TABLE payers_kept (
  one INTEGER PRIMARY KEY CHECK (one = 1)
) STRICT;

-- How far each sink has the ledger log: next is the first leaf that is not done, until the end of the
-- batch that is being delivered, 0 for none.
CREATE TABLE delivery (
  sink  TEXT PRIMARY KEY,
  next  INTEGER NOT NULL,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a sink has refused. at is by this machine's clock.
CREATE TABLE dead_letter (
  sink     TEXT NOT NULL,
  position INTEGER NOT NULL,
  record   TEXT NOT NULL,
  at       INTEGER NOT NULL,
  tries    INTEGER NOT NULL,
  why      TEXT NOT NULL,
  state    TEXT NOT NULL,
  PRIMARY KEY (sink, position)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE dead_letter;
DROP TABLE delivery;
DROP TABLE payers_kept;
DROP TABLE payer;
DROP TABLE noted_register;
DROP TABLE dispute;
DROP TABLE head;
DROP TABLE leaf_hash;
DROP TABLE leaf;
DROP TABLE reject;
DROP TABLE pending_record;
DROP TABLE quality_repeats;
DROP TABLE quality_closed;
DROP TABLE quality_counted;
DROP TABLE quality;
DROP TABLE erased;
DROP TABLE record;
DROP TABLE evidence;
DROP TABLE open_evidence;
DROP TABLE open_call;
DROP TABLE node;

-- +goose Up
-- Instants are milliseconds since 1970, UTC.

-- Which register this is, and the country whose national numbers it has read.
CREATE TABLE register (
  one          INTEGER PRIMARY KEY CHECK (one = 1),
  id           TEXT NOT NULL,
  country_code TEXT NOT NULL
) STRICT;

-- The ids of the keys that names were made with.
CREATE TABLE known_key (
  id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Who is exempt, from when until when, and why. The reason never leaves this file.
CREATE TABLE entitlement (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  ref              TEXT NOT NULL UNIQUE,
  category         TEXT NOT NULL,
  from_at          INTEGER NOT NULL,
  until_at         INTEGER,           -- the first instant after it; NULL: no end
  added_at         INTEGER NOT NULL,
  listed           INTEGER NOT NULL,  -- 1: it came with a list, and ends when the list has it no more
  revoked_at       INTEGER,           -- when it was cut short
  code_uses        INTEGER NOT NULL DEFAULT 0,
  code_used_at     INTEGER,           -- when its code was last used
  processed_at     INTEGER,           -- when the calls between from_at and added_at were credited
  encrypted_number BLOB               -- under the callers' key, until they are
) STRICT;
CREATE INDEX entitlement_until ON entitlement (until_at);
CREATE INDEX entitlement_backdated ON entitlement (id)
  WHERE processed_at IS NULL AND from_at < added_at;

-- The names of callers and codes: keyed hashes, one for each key of the key file. No number.
CREATE TABLE alias (
  name        TEXT NOT NULL,
  entitlement INTEGER NOT NULL REFERENCES entitlement (id) ON DELETE CASCADE,
  key         TEXT NOT NULL,     -- the id of the key that made the name
  PRIMARY KEY (name, entitlement)
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_entitlement ON alias (entitlement, key);

-- The log of changes: entry n is JSON that contains the SHA-256 of entry n-1. Entries are only added.
CREATE TABLE change (
  n    INTEGER PRIMARY KEY,
  text BLOB NOT NULL
) STRICT;
-- +goose StatementBegin
CREATE TRIGGER change_stays BEFORE UPDATE ON change
BEGIN SELECT RAISE(ABORT, 'entries of the log of changes are only added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER change_is_kept BEFORE DELETE ON change
BEGIN SELECT RAISE(ABORT, 'entries of the log of changes are only added'); END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE change;
DROP TABLE alias;
DROP TABLE entitlement;
DROP TABLE known_key;
DROP TABLE register;

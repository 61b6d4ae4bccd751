-- +goose Up
-- Instants are milliseconds since 1970, UTC.

-- Who is exempt, from when until when, and why. The reason never leaves this file.
CREATE TABLE entitlement (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  ref         TEXT NOT NULL UNIQUE,
  category    TEXT NOT NULL,
  from_at     INTEGER NOT NULL,
  until_at    INTEGER,           -- the first instant after it; NULL: for ever
  added_at    INTEGER NOT NULL,
  revoked_at  INTEGER,           -- when it was cut short
  refunded_at INTEGER            -- when calls of before added_at had been looked through
) STRICT;
CREATE INDEX entitlement_until ON entitlement (until_at);
CREATE INDEX entitlement_late ON entitlement (id) WHERE refunded_at IS NULL AND from_at < added_at;

-- Under which names callers and codes are known: keyed hashes, one for each key of the key file. No number.
CREATE TABLE alias (
  name        TEXT NOT NULL,
  entitlement INTEGER NOT NULL REFERENCES entitlement (id) ON DELETE CASCADE,
  key         TEXT NOT NULL,     -- which key the name was made with
  PRIMARY KEY (name, entitlement)
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_entitlement ON alias (entitlement, key);

-- +goose Down
DROP TABLE alias;
DROP TABLE entitlement;

-- +goose Up
-- Instants are milliseconds since 1970, UTC.

-- Who is exempt, from when until when, and why. The reason never leaves this file.
CREATE TABLE entitlement (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  ref          TEXT NOT NULL UNIQUE,
  category     TEXT NOT NULL,
  from_at      INTEGER NOT NULL,
  until_at     INTEGER,           -- the first instant after it; NULL: no end
  added_at     INTEGER NOT NULL,
  revoked_at   INTEGER,           -- when it was cut short
  processed_at INTEGER            -- when the calls between from_at and added_at were credited
) STRICT;
CREATE INDEX entitlement_until ON entitlement (until_at);
CREATE INDEX entitlement_backdated ON entitlement (id)
  WHERE processed_at IS NULL AND from_at < added_at;

-- The pseudonyms of callers and codes: keyed hashes, one for each key of the key file. No number.
CREATE TABLE alias (
  pseudonym   TEXT NOT NULL,
  entitlement INTEGER NOT NULL REFERENCES entitlement (id) ON DELETE CASCADE,
  key         TEXT NOT NULL,     -- the id of the key that made the pseudonym
  PRIMARY KEY (pseudonym, entitlement)
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_entitlement ON alias (entitlement, key);

-- +goose Down
DROP TABLE alias;
DROP TABLE entitlement;

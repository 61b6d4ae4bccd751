-- +goose Up

-- The last batch of each node. A commit may be reported failed and be kept all the same; when it is tried again, this tells.
CREATE TABLE last_batch (
  node TEXT PRIMARY KEY,
  id   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE last_batch;

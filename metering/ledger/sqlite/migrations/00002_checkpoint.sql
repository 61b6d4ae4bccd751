-- +goose Up

-- What a run leaves to the next one, where the PBX keeps its events meanwhile; NULL while a run is at work.
ALTER TABLE node ADD COLUMN checkpoint BLOB;

-- +goose Down
ALTER TABLE node DROP COLUMN checkpoint;

package postgres

import (
	"io/fs"
	"testing"
	"testing/fstest"
)

// Release makes this process one of a later release, until the test ends: its schema is one version
// further.
func Release(t *testing.T, query string) {
	t.Helper()
	former := migrations
	t.Cleanup(func() { migrations = former })
	const first = "migrations/00001_first.sql"
	text, err := fs.ReadFile(former, first)
	if err != nil {
		t.Fatal(err)
	}
	migrations = fstest.MapFS{
		first:                         {Data: text},
		"migrations/00002_second.sql": {Data: []byte("-- +goose Up\n" + query)},
	}
}

// Releases are what Release changes, as it is now, and a way back to it.
func Releases() (back func()) {
	now := migrations
	return func() { migrations = now }
}

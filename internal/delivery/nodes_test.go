package delivery

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/ledger"
)

// The files of each node are in a folder of its own, and are compared with its log.
func TestFilesOfEachNodeAreCompared(t *testing.T) {
	d := config.Delivery{Name: "files", Fields: []string{"record", "version"}}
	d.File.Folder, d.File.Format, d.File.MaxRecords = t.TempDir(), "csv", 1
	conf := &config.Config{Delivery: []config.Delivery{d}}
	var logs []Log
	for i, node := range []string{"", "a/b", "c"} {
		store := &fakeStore{cursor: ledger.Cursor{Next: 1}}
		store.add(rec(i, 1, 14))
		logs = append(logs, Log{Node: node, Store: store})
		workers, err := Open(t.Context(), conf, node, store, &quiet{})
		if err != nil {
			t.Fatal(err)
		}
		e, err := delivery.NewEvent(store.changes[0])
		if err != nil {
			t.Fatal(err)
		}
		b := delivery.Batch{Until: 1, Events: []delivery.Event{e}}
		if done, _, err := workers[0].Sink.Deliver(t.Context(), b); err != nil || done != 1 {
			t.Fatal(done, err)
		}
		workers[0].Sink.Close()
	}
	got, err := Compare(t.Context(), logs, d)
	if err != nil || !got.OK() || got.Events != 3 || got.Held != 3 {
		t.Errorf("%+v, %v; want all 3 events", got, err)
	}
	if err := os.RemoveAll(filepath.Join(d.File.Folder, "a%2Fb")); err != nil {
		t.Fatal(err)
	}
	got, err = Compare(t.Context(), logs, d)
	if err != nil || len(got.Missing) != 1 || got.Missing[0] != rec(1, 1, 14).Record {
		t.Errorf("without the files of a node: %+v, %v", got, err)
	}
}

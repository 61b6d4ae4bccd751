package gateway

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// longCall is the recorded call hold-transfer with two more holds, under ids of its own.
func longCall(tb testing.TB, n int) (frames []ari.Frame) {
	tb.Helper()
	text, err := os.ReadFile("../../integration/testdata/traces/hold-transfer/ari.jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	ids := strings.NewReplacer(`pbx1-17954271`, fmt.Sprintf("pbx1-%08d", 17954271+n))
	var hold []string // its events
	for line := range strings.Lines(ids.Replace(string(text))) {
		frames = append(frames, ari.Frame{Raw: bytes.TrimSpace([]byte(line))})
		if strings.Contains(line, `"type":"ChannelHold"`) || strings.Contains(line, `"type":"ChannelUnhold"`) {
			hold = append(hold, line)
		}
		if len(hold) == 2 {
			for _, again := range slices.Concat(hold, hold) {
				frames = append(frames, ari.Frame{Raw: bytes.TrimSpace([]byte(again))})
			}
			hold = nil
		}
	}
	return frames
}

// What is kept of an ended call for months: its evidence, its record, its leaf, and the indexes.
func TestBytesKeptOfAnEndedCall(t *testing.T) {
	const calls, limit = 200, 2500
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(context.Background(), path, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	used := func() (bytes int64) {
		t.Helper()
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}()
		err = db.QueryRow(`SELECT (page_count - freelist_count) * page_size
			FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&bytes)
		if err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	w := workerOn(t, l, "pbx", zap.NewNop())
	before := used()
	for n := range calls {
		for _, f := range longCall(t, n) {
			w.queue.Put(f)
		}
		if err := w.drain(); err != nil {
			t.Fatal(err)
		}
	}
	kept := (used() - before) / calls
	frames := 0
	var call metering.CallID
	err = l.Records(t.Context(), ledger.Query{}, func(text []byte) error {
		var r metering.Record
		err := json.Unmarshal(text, &r)
		frames, call = r.Evidence.Events, r.Call
		return err
	})
	if err != nil || frames < 35 {
		t.Fatalf("%d frames of evidence, %v; want at least 35", frames, err)
	}
	evidence, err := l.Evidence(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes kept of a call with %d frames of %d bytes", kept, frames,
		len(slices.Concat(evidence...)))
	if kept > limit {
		t.Errorf("%d bytes are kept of a call, want at most %d", kept, limit)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

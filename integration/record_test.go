//go:build live

package integration

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

var recordInto = flag.String("record", "",
	"folder for the recordings of TestLiveRecording; empty: it records one shape and keeps nothing")

// Records each shape on its own Asterisk: all ARI events, and Asterisk's own logs beside them.
// `make traces` makes the recordings of testdata/traces so. Without -record it records one shape,
// to show that recording works. The test does not run in parallel: it checks boundaries to 20 ms,
// and on a machine that other tests load the CEL shows music later than that.
func TestLiveRecording(t *testing.T) {
	if *recordInto == "" {
		recordShapes(t, holdShapes[:1], shapeFiles, t.TempDir())
		return
	}
	recordShapes(t, moreShapes, shapeFiles, *recordInto)
	recordShapes(t, freePBXShapes, freePBXFiles(t), *recordInto)
}

func recordShapes(t *testing.T, shapes []shape, files map[string]string, dir string) {
	t.Helper()
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			services, _ := servicesOf([]shape{s})
			h := newHarness(t, services, files)
			h.start(t)
			keep := h.startRecording(t, filepath.Join(dir, s.name))
			h.playOne(t, s, 0)
			keep()
		})
	}
}

// startRecording starts a recording. keep ends it when the last channels have ended, and writes
// Asterisk's own logs beside it.
func (h *harness) startRecording(t *testing.T, into string) (keep func()) {
	t.Helper()
	if err := os.MkdirAll(into, 0o755); err != nil {
		t.Fatal(err)
	}
	rec, err := lab.StartRecorder(h.ctx, h.pbx.URL(), filepath.Join(into, "ari.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		h.heartbeats(t, 2)
		if err := rec.Stop(); err != nil {
			t.Fatal(err)
		}
		for file, log := range map[string]string{
			"cel.csv": "cel-custom/cel.csv", "cdr.csv": "cdr-custom/cdr.csv",
			"queue_log": "queue_log",
		} {
			text, err := h.pbx.Log(h.ctx, log)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(into, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

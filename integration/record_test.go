//go:build live

package integration

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

var recordInto = flag.String("record", "", "the folder into which TestLiveRecording writes the recordings of testdata/traces; none: it proves one shape and keeps nothing")

// Each shape alone on an Asterisk of its own, with everything that ARI says and Asterisk's own logs beside it: the recordings of
// testdata/traces are made by `make traces`. Without -record one shape is enough to show that recording works.
// It runs by itself: its boundaries are held to 20 ms, and on a machine that is busy with other tests the CEL tells of music later than that.
func TestLiveRecording(t *testing.T) {
	shapes, dir := lore, *recordInto
	if dir == "" {
		shapes, dir = holdShapes[:1], t.TempDir()
	}
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			services, _ := servicesOf([]shape{s})
			r := newRig(t, services, shapeFiles)
			r.start(t)
			keep := r.records(t, filepath.Join(dir, s.name))
			r.playOne(t, s, 0)
			keep()
		})
	}
}

// records begins a recording; keep ends it, when the last channels have gone, and puts Asterisk's own logs beside it.
func (r *rig) records(t *testing.T, into string) (keep func()) {
	t.Helper()
	if err := os.MkdirAll(into, 0o755); err != nil {
		t.Fatal(err)
	}
	rec, err := lab.StartRecorder(r.ctx, r.pbx.URL(), filepath.Join(into, "ari.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		r.canaries(t, 2)
		if err := rec.Stop(); err != nil {
			t.Fatal(err)
		}
		for file, log := range map[string]string{"cel.csv": "cel-custom/cel.csv", "cdr.csv": "cdr-custom/cdr.csv", "queue_log": "queue_log"} {
			text, err := r.pbx.Log(r.ctx, log)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(into, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

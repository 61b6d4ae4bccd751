package aritest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/metering"
)

// Every event of the recordings decodes to the same event when Frame has written it.
func TestFrameWritesWhatAsteriskSends(t *testing.T) {
	paths, err := filepath.Glob("../../integration/testdata/traces/*/ari.jsonl")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	kinds := map[ari.Kind]int{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for frame := range bytes.Lines(text) {
			want, err := ari.Decode(bytes.TrimSpace(frame))
			if err != nil {
				t.Fatal(err)
			}
			if want.Kind == ari.Other {
				continue
			}
			kinds[want.Kind]++
			got, err := ari.Decode(aritest.Frame(want))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(metering.Number{})); diff != "" {
				t.Fatalf("%s: (-Asterisk +Frame)\n%s", frame, diff)
			}
		}
	}
	if len(kinds) < 14 {
		t.Errorf("the recordings have only %d kinds of events", len(kinds))
	}
}

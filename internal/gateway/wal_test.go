package gateway

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap/zapcore"

	"github.com/risposta/gateway/internal/config"
)

// A log that grows over its bound is reported once, and once again when it is short.
func TestLongWriteAheadLogIsReported(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger.db")
	wal, err := os.Create(file + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := wal.Close(); err != nil {
			t.Error(err)
		}
	}()
	var text strings.Builder
	log, err := NewLogger(config.Log{Format: "json", Level: "info"}, zapcore.AddSync(&text))
	if err != nil {
		t.Fatal(err)
	}
	w := logWatch{file: file, log: log}
	for _, step := range []struct {
		bytes int64 // without a block on the disk
		lines string
	}{
		{maxLogBytes, ""}, {maxLogBytes + 1, "wal_long"}, {2 * maxLogBytes, ""}, {maxLogBytes - 1, ""},
		{maxLogBytes + 1, ""}, {0, "wal_cut"}, {0, ""}, {maxLogBytes + 1, "wal_long"},
	} {
		if err := wal.Truncate(step.bytes); err != nil {
			t.Fatal(err)
		}
		text.Reset()
		w.look()
		got := text.String()
		if strings.Contains(got, "wal_") != (step.lines != "") || !strings.Contains(got, step.lines) {
			t.Errorf("at %d bytes: %q, want %q", step.bytes, got, step.lines)
		}
	}
}

package gateway

import (
	"errors"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/risposta/gateway/internal/config"
)

// writes is a sink that keeps each write, and fails while it is told to.
type writes struct {
	all  []string
	fail error
}

func (w *writes) Write(p []byte) (int, error) {
	if w.fail != nil {
		return 0, w.fail
	}
	w.all = append(w.all, string(p))
	return len(p), nil
}

func (*writes) Sync() error { return nil }

// The lines of one commit are one write, in their order, those of others among them; each other line
// is written as it comes. A sink that fails is reported with the next line.
func TestTheLinesOfACommitAreOneWrite(t *testing.T) {
	var sink, problems writes
	log, err := NewLogger(config.Log{Level: "info", Format: "json"}, &sink)
	if err != nil {
		t.Fatal(err)
	}
	log = log.WithOptions(zap.ErrorOutput(zapcore.Lock(&problems)))
	worker := log.With(zap.String("pbx", "one"))
	log.Info("before")
	release := holdLines(worker)
	worker.Info("first")
	log.Info("of another")
	worker.Info("last")
	if len(sink.all) != 1 {
		t.Errorf("%q, want the line before alone", sink.all)
	}
	release()
	if len(sink.all) != 2 || strings.Count(sink.all[1], "\n") != 3 {
		t.Fatalf("%q, want three lines with the second write", sink.all)
	}
	first, other := strings.Index(sink.all[1], "first"), strings.Index(sink.all[1], "of another")
	if last := strings.Index(sink.all[1], "last"); first > other || other > last {
		t.Errorf("%q, want the order in which they came", sink.all[1])
	}
	release = holdLines(worker)
	for range maxKept / 100 { // each has more bytes
		worker.Info("a line of many", zap.String("text", strings.Repeat("x", 100)))
	}
	if len(sink.all) < 3 {
		t.Error("lines are held back without bound")
	}
	sink.fail = errors.New("the pipe is broken")
	release()
	sink.fail = nil
	log.Info("after")
	if len(problems.all) == 0 || !strings.Contains(problems.all[0], "the pipe is broken") {
		t.Errorf("%q, want the failure of the write", problems.all)
	}
}

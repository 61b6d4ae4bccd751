package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	logged "go.uber.org/zap/zaptest/observer"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/logs"
	"github.com/risposta/gateway/metering"
)

// steps is a clock that a test sets.
type steps struct{ now time.Time }

func (c *steps) Now() time.Time                       { return c.now }
func (c *steps) NewTicker(time.Duration) *time.Ticker { return nil }

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// Of 10,000 refusals in 100 s, ten a minute are written, and the others are said.
func TestWhatRepeatsFillsNoLog(t *testing.T) {
	core, seen := logged.New(zap.InfoLevel)
	clock := &steps{now: noon}
	log := zap.New(newLimited(core), zap.WithClock(clock))
	pbx1, pbx2 := log.With(zap.String("pbx", "1")), log.With(zap.String("pbx", "2"))
	for i := range 10_000 {
		clock.now = noon.Add(time.Duration(i) * 10 * time.Millisecond)
		pbx1.Warn(evLoginRefused)
		if i%1000 == 0 {
			pbx2.Warn(evLoginRefused)
		}
		log.Info(evStarted) // an event that does not repeat
	}
	if err := log.Sync(); err != nil {
		t.Fatal(err)
	}
	lines, left := map[string]int{}, map[string]int64{}
	for _, e := range seen.All() {
		m := e.ContextMap()
		pbx, _ := m["pbx"].(string)
		lines[e.Message+pbx]++
		if e.Message == logs.LeftOut {
			left[pbx] += m["lines"].(int64)
			if m["of"] != evLoginRefused {
				t.Errorf("%v were left out, of no event that repeats", m)
			}
		}
	}
	if lines[evLoginRefused+"1"] != 20 || left["1"] != 9980 || lines[logs.LeftOut+"1"] != 2 {
		t.Errorf("of 10,000: %v, left out %v; want 20 lines, and 9,980 left out, in 2 lines", lines, left)
	}
	if lines[evLoginRefused+"2"] != 10 || left["2"] != 0 || lines[evStarted] != 10_000 {
		t.Errorf("of another PBX, and of another event, lines were left out: %v %v", lines, left)
	}
}

// Where there is a journal, each line goes there with its priority and what it is searched by, and to
// standard output where the journal does not take it.
func TestTheJournalGetsFields(t *testing.T) {
	type entry struct {
		message string
		p       journal.Priority
		fields  map[string]string
	}
	var sent []entry
	var failure error
	var stdout bytes.Buffer
	level, enc, err := encoder(config.Log{Format: "json", Level: "info"})
	if err != nil {
		t.Fatal(err)
	}
	log := zap.New(&journalCore{
		LevelEnabler: level, enc: enc, or: zapcore.AddSync(&stdout),
		send: func(m string, p journal.Priority, f map[string]string) error {
			sent = append(sent, entry{m, p, f})
			return failure
		},
	}).With(zap.String("pbx", "pbx1"))
	log.Info(evRecord, zap.String("call", "c-1"), zap.String("record", "r-1"), zap.Int("version", 1))
	log.Debug("debug")
	failure = errors.New("no journal")
	log.Error(evCommitFailed, zap.Error(errors.New("disk full")))
	if len(sent) != 2 {
		t.Fatalf("%d entries were sent, want 2: %v", len(sent), sent)
	}
	want := map[string]string{"EVENT": evRecord, "PBX": "pbx1", "CALL": "c-1", "RECORD": "r-1"}
	if !maps.Equal(sent[0].fields, want) || sent[0].p != journal.PriInfo {
		t.Errorf("fields %v, priority %d; want %v and info", sent[0].fields, sent[0].p, want)
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(sent[0].message), &line); err != nil || line["version"] != 1.0 ||
		line["pbx"] != "pbx1" || line["event"] != evRecord {
		t.Errorf("the message is %s (%v), want the line of JSON", sent[0].message, err)
	}
	if sent[1].p != journal.PriErr || sent[1].fields["EVENT"] != evCommitFailed {
		t.Errorf("the second entry is %+v, want an error", sent[1])
	}
	if got := stdout.String(); got != sent[1].message+"\n" {
		t.Errorf("standard output has %q, want what the journal did not take", got)
	}
}

// Each fact is an event of the log.
func TestEachFactIsAnEvent(t *testing.T) {
	for k := metering.CallArrived; k <= metering.TalkHeld; k++ {
		if _, ok := logs.Find(k.String()); !ok {
			t.Errorf("%s is logged, and no event", k)
		}
	}
}

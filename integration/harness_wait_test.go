//go:build live

package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// recordWithin is the longest time from the hang-up to the commit of the record, by the gateway's
// log. The command that reads records is slower on a busy machine.
const recordWithin = time.Second

// record waits for the record of a service's only call and returns it.
func (h *harness) record(t *testing.T, service string) lab.Record {
	t.Helper()
	// The log shows when it exists. Repeating the command would load the machine under test.
	err := lab.Until(h.ctx, 10*time.Second, "the record of "+service, func() error {
		for line := range strings.Lines(h.gw.Log()) {
			if strings.Contains(line, `"event":"record.written"`) &&
				strings.Contains(line, fmt.Sprintf(`"service":%q`, service)) {
				return nil
			}
		}
		return errors.New("the log has no record.written")
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := h.gw.Records(h.ctx, service)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 {
		t.Fatalf("%d records of %s, want one: %+v", len(got), service, got)
	}
	return got[0]
}

// wantPromptRecord checks that the record was committed and logged within recordWithin. Gateway and
// PBX share a clock here.
func (h *harness) wantPromptRecord(t *testing.T, rec lab.Record) {
	t.Helper()
	for line := range strings.Lines(h.gw.Log()) {
		var e struct {
			TS     time.Time
			Record string
		}
		if json.Unmarshal([]byte(line), &e) != nil || e.Record != rec.Record {
			continue
		}
		if !slices.Contains(rec.Reasons, "end_unseen") && e.TS.Sub(rec.EndedAt) > recordWithin {
			t.Errorf("the call ended at %s, its record came at %s", rec.EndedAt, e.TS)
		}
		return
	}
	t.Errorf("the log has no record %s", rec.Record)
}

// heartbeats waits for n more heartbeats: the gateway has then received every event before them.
func (h *harness) heartbeats(t *testing.T, n int) {
	t.Helper()
	count := func() (int, error) {
		_, text, err := h.gw.Get(h.ctx, "/metrics")
		if err != nil {
			return 0, err
		}
		_, after, ok := strings.Cut(text, "risposta_heartbeats_total{pbx=\"live\"} ")
		if !ok {
			return 0, errors.New("no risposta_heartbeats_total in the metrics")
		}
		line, _, _ := strings.Cut(after, "\n")
		return strconv.Atoi(line)
	}
	before, err := count()
	if err != nil {
		t.Fatal(err)
	}
	err = lab.Until(h.ctx, 20*time.Second, "more heartbeats", func() error {
		now, err := count()
		if err == nil && now < before+n {
			err = fmt.Errorf("%d, want %d", now, before+n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// logged waits until the gateway has logged an event n times since its last start.
func (h *harness) logged(t *testing.T, event string, n int) {
	t.Helper()
	err := lab.Until(h.ctx, 20*time.Second, event+" in the log", func() error {
		if got := strings.Count(h.gw.Log(), fmt.Sprintf("%q:%q", "event", event)); got < n {
			return fmt.Errorf("it is there %d times, want %d", got, n)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, h.gw.Log())
	}
}

// finish waits until phones have ended as their scripts say.
func (h *harness) finish(t *testing.T, parties ...*lab.Party) {
	t.Helper()
	for _, p := range parties {
		if err := p.Wait(h.ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// wantVerified runs `risposta verify`, and checks that it prints a text.
func (h *harness) wantVerified(t *testing.T, want string) {
	t.Helper()
	out, code, err := h.gw.Command(h.ctx, "verify")
	if err != nil || code != 0 || !strings.Contains(out, want) {
		t.Errorf("verify: exit %d, %v, want %q:\n%s", code, err, want, out)
	}
}

//go:build live

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/judge"
	"github.com/risposta/gateway/integration/lab"
)

// truth waits until the i-th service's only call is over, and returns its talk by the CEL.
func (h *harness) truth(t *testing.T, i int) (talks []judge.Talk) {
	t.Helper()
	err := lab.Until(h.ctx, 10*time.Second, "the CEL of the call to be complete", func() error {
		cel, err := h.pbx.Log(h.ctx, "cel-custom/cel.csv")
		if err != nil {
			return err
		}
		ids, err := judge.Calls(cel, callerOf(i))
		if err != nil || len(ids) != 1 {
			return fmt.Errorf("calls %v: %w", ids, err)
		}
		talks, err = judge.Truth(cel, ids[0], "PJSIP/op*")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return talks
}

// busyTolerance is the tolerance of tests that run in parallel, each with its own Asterisk: the
// CEL's timestamps of a hold are then some tens of milliseconds late. These tests are about
// seconds.
const busyTolerance = 100 * time.Millisecond

// wantWithinTalk checks that every stretch of the record lies within a stretch of true talk.
func wantWithinTalk(t *testing.T, rec lab.Record, truth []judge.Talk) {
	t.Helper()
	for _, got := range rec.Talk {
		if !slices.ContainsFunc(truth, func(w judge.Talk) bool {
			return got.From.After(w.From.Add(-busyTolerance)) &&
				got.To.Before(w.To.Add(busyTolerance))
		}) {
			t.Errorf("charged from %s to %s, the truth is %+v", got.From, got.To, truth)
		}
	}
}

// reconcile reconciles the only call with Asterisk's logs, as an operator does after a fault, and
// checks that nothing is unseen afterwards.
func (h *harness) reconcile(t *testing.T, truth time.Duration) {
	t.Helper()
	args := []string{"reconcile", "--apply"}
	for flag, log := range map[string]string{
		"--cel": "cel-custom/cel.csv", "--cdr": "cdr-custom/cdr.csv", "--queue-log": "queue_log",
	} {
		text, err := h.pbx.Log(h.ctx, log)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(h.dir, filepath.Base(log))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, flag, file)
	}
	out, code, err := h.gw.Command(h.ctx, args...)
	if err != nil || code != 0 || !strings.Contains(out, "version 2 written") {
		t.Fatalf("reconcile: exit %d, %v:\n%s", code, err, out)
	}
	records, err := h.gw.Records(h.ctx, "talking")
	if err != nil || len(records) != 1 {
		t.Fatalf("%d records, %v; want the newest alone", len(records), err)
	}
	talk := time.Duration(records[0].TalkMs) * time.Millisecond
	if (talk-truth).Abs() > busyTolerance || records[0].UnseenMs != 0 {
		t.Errorf("after reconciling talk is %s and %d ms unseen, the CEL has %s", talk,
			records[0].UnseenMs, truth)
	}
	h.wantVerified(t, "")
}

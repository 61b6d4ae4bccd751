package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
)

var (
	notExempt = metering.Exemption{Verdict: metering.ExemptNo}
	morning   = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
)

// heldCall is a call of 20 s of talk by ARI: from 4 to 14 and from 16 to 26, at 1.6 cents a second.
// In the CEL the music of the hold, from 14 to 16, and the hang-up, at 26, are at other instants.
func heldCall(musicFrom, musicTo, hangUp float64) *twoLogs {
	l := newTwoLogs(morning)
	l.arrive()
	l.answer(4)
	l.hold(14, 16, musicFrom, musicTo)
	l.hangUp(26, hangUp)
	return l
}

// wantNothingWritten checks that reconciling leaves the first version of the only record.
func wantNothingWritten(t *testing.T, dir, cel string, code int, parts ...string) {
	t.Helper()
	out, got := reconcileCEL(t, dir, cel, "--apply")
	if got != code || !containsAll(out, parts...) {
		t.Errorf("exit %d, want %d with %q:\n%s", got, code, parts, out)
	}
	records, _ := cli(t, "records", "--ledger", filepath.Join(dir, "ledger.db"))
	if strings.Count(records, "\n") != 1 || !strings.Contains(records, `"version":1`) {
		t.Errorf("the record was superseded:\n%s", records)
	}
}

// The music of a hold demonstrably went on after the unhold, or the bridge ended before the talk
// did: the CEL lowers the charge of a call that was seen in full. Twice is as once.
func TestReconcileShortensTalk(t *testing.T) {
	for name, c := range map[string]struct {
		logs *twoLogs
		want string
	}{
		"music after the unhold":      {heldCall(14, 18.5, 26), "0.27 EUR for 17.500s of talk, 0.05 EUR and 2.500s"},
		"music to the end":            {heldCall(14, 25.99, 26), "0.16 EUR for 10.010s of talk, 0.16 EUR and 9.990s"},
		"music before the hold":       {heldCall(12, 16, 26), "0.28 EUR for 18.000s of talk, 0.04 EUR and 2.000s"},
		"the CEL has an earlier end":  {heldCall(14, 16, 20), "0.22 EUR for 14.000s of talk, 0.10 EUR and 6.000s"},
		"less than a cent":            {heldCall(14, 16.021, 26), "0.30 EUR for 19.979s of talk, 0.02 EUR and 0.021s"},
		"music after and end earlier": {heldCall(14, 17, 25), "0.28 EUR for 18.000s of talk, 0.04 EUR and 2.000s"},
		"one end within neighbours":   {heldCall(14, 18, 25.985), "0.28 EUR for 18.000s of talk, 0.04 EUR and 2.000s"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newLedgerDir(t, c.logs.frames, notExempt)
			cel := c.logs.write(t, dir)
			path := filepath.Join(dir, "ledger.db")
			out, code := reconcileCEL(t, dir, cel)
			if code != exitFailed ||
				!containsAll(out, " shortened ", "--apply would write version 2: "+c.want+" less\n") {
				t.Errorf("dry run: exit %d:\n%s", code, out)
			}
			if records, _ := cli(t, "records", "--ledger", path); !strings.Contains(records, `"version":1`) {
				t.Errorf("a dry run has written:\n%s", records)
			}
			out, code = reconcileCEL(t, dir, cel, "--apply")
			if code != 0 || !containsAll(out, "version 2 written: "+c.want+" less\n") {
				t.Errorf("exit %d:\n%s", code, out)
			}
			records, _ := cli(t, "records", "--ledger", path)
			if strings.Count(records, "\n") != 1 ||
				!containsAll(records, `"version":2`, `"reasons":["talk","shortened"]`, `"unseen_ms":0`) {
				t.Errorf("the newest record is not the lower one:\n%s", records)
			}
			out, code = cli(t, "verify", "--ledger", path)
			if code != 0 || !strings.Contains(out, "2 records: 2 replayed") {
				t.Errorf("exit %d:\n%s", code, out)
			}
			out, code = reconcileCEL(t, dir, cel, "--apply")
			if code != 0 || !strings.Contains(out, "1 calls agree, 0 differ") {
				t.Errorf("a second time: exit %d:\n%s", code, out)
			}
		})
	}
}

// Asterisk's two accounts name one instant up to 20 ms apart.
func TestReconcileLeavesNeighbouringEvents(t *testing.T) {
	l := heldCall(13.98, 16.02, 25.98)
	dir := newLedgerDir(t, l.frames, notExempt)
	wantNothingWritten(t, dir, l.write(t, dir), 0, "1 calls agree, 0 differ")
}

// A call that costs nothing is left as it is, exempt or free.
func TestReconcileShortensNoFreeCall(t *testing.T) {
	l := heldCall(14, 18.5, 26)
	dir := newLedgerDir(t, l.frames, metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-1"})
	wantNothingWritten(t, dir, l.write(t, dir), exitFailed, " differs ")

	l = newTwoLogs(morning)
	l.caller.Exten = "1010" // it has no price
	l.arrive()
	l.answer(4)
	l.hold(14, 16, 14, 18.5)
	l.hangUp(26, 26)
	dir = newLedgerDir(t, l.frames, notExempt)
	wantNothingWritten(t, dir, l.write(t, dir), exitFailed, " differs ")
}

// A record that waits for a lookup is shortened, too: it may be charged later.
func TestReconcileShortensAPendingCall(t *testing.T) {
	l := heldCall(14, 18.5, 26)
	dir := newLedgerDir(t, l.frames, metering.Exemption{})
	out, code := reconcileCEL(t, dir, l.write(t, dir), "--apply")
	if code != 0 || !containsAll(out, "version 2 written: 0.00 EUR for 17.500s of talk") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

// The CEL never raises what was seen in full, and rows that are missing prove nothing.
func TestReconcileNeverRaisesWhatWasSeen(t *testing.T) {
	longer := heldCall(14, 16, 60)
	noMusic := newTwoLogs(morning) // as with moh_passthrough
	noMusic.arrive()
	noMusic.answer(4)
	noMusic.hold(14, 16, 2, 3)
	noMusic.hangUp(26, 26)
	for name, l := range map[string]*twoLogs{"later end": longer, "hold without music": noMusic} {
		t.Run(name, func(t *testing.T) {
			dir := newLedgerDir(t, l.frames, notExempt)
			wantNothingWritten(t, dir, l.write(t, dir), exitFailed, " differs ")
		})
	}
	t.Run("no rows of bridges", func(t *testing.T) {
		l := heldCall(14, 16, 26)
		dir := newLedgerDir(t, l.frames, notExempt)
		text := strings.NewReplacer("BRIDGE_ENTER", "X", "BRIDGE_EXIT", "X").Replace(l.cel.String())
		l.cel.Reset()
		l.cel.WriteString(text)
		wantNothingWritten(t, dir, l.write(t, dir), exitFailed, " differs ", "it shows no talk with PJSIP/agent1")
	})
}

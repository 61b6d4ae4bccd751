package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// wantNothingProved checks that each call of a CEL that no record knows gets one record, free and
// uncertain.
func wantNothingProved(t *testing.T, cel string, calls int, args ...string) string {
	t.Helper()
	dir := newLedgerDir(t, around(), notExempt)
	out, code := reconcileCEL(t, dir, cel, append(args, "--apply", "--node", "pbx1")...)
	if code != 0 || strings.Count(out, "version 1 written: 0.00 EUR for 0.000s of talk") != calls {
		t.Errorf("exit %d:\n%s", code, out)
	}
	records, _ := cli(t, "records", "--ledger", filepath.Join(dir, "ledger.db"))
	if strings.Count(records, `"outcome":"uncertain"`) != calls ||
		strings.Count(records, "\n") != calls+2 {
		t.Errorf("want %d uncertain records beside those around:\n%s", calls, records)
	}
	return out
}

// The queue's music is no proof that a hold would show. The CEL has 600 s between the bridging and
// the end; in 500 s of them the operator's hold had no music.
func TestReconcileQueueMusicProvesNoHold(t *testing.T) {
	out := wantNothingProved(t, "testdata/cel-hold-without-music.csv", 1, "--zone", "UTC")
	if !strings.Contains(out, "it shows no music in this call during talk") {
		t.Errorf("want why:\n%s", out)
	}
}

// Music on the operator's leg is a hold of the caller's. It does not show how the operator's does.
func TestReconcileMusicOfTheCallersHoldProvesNoHold(t *testing.T) {
	l := newTwoLogs(morning)
	l.arrive()
	l.answer(4)
	l.row(14, "STREAM_BEGIN", l.operator, musicRow)
	l.row(16, "STREAM_END", l.operator, "")
	l.hangUp(26, 26)
	wantNothingProved(t, l.write(t, t.TempDir()), 1)
}

// A PBX that logs in local time: the calls lie around the hour that comes twice.
func TestReconcileProvesNothingInTheHourThatComesTwice(t *testing.T) {
	out := wantNothingProved(t, "testdata/cel-summer-time-ends.csv", 4, "--zone", "Europe/Rome")
	if n := strings.Count(out, "ambiguous in the zone"); n != 3 {
		t.Errorf("%d calls with an ambiguous time, want 3:\n%s", n, out)
	}
}

// Each call has 1,200 s of talk, a hold of 10 s with music in the middle, and was not seen. It is
// proved where each local time of its rows is one instant, and no other time.
func TestReconcileAroundTheEndOfSummerTime(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	for arrival, want := range map[string]string{
		"2026-10-24T23:00:00Z": "19.04 EUR for 1190.000s", // 01:00 to 01:20, summer time
		"2026-10-24T23:50:00Z": "",                        // 01:50 to 02:10, both summer time
		"2026-10-25T00:50:00Z": "",                        // 02:50 summer time to 02:10
		"2026-10-25T01:50:00Z": "",                        // 02:50 to 03:10
		"2026-10-25T02:00:00Z": "19.04 EUR for 1190.000s", // 03:00 to 03:20
		"2027-03-28T00:50:00Z": "19.04 EUR for 1190.000s", // 01:50 to 03:10, summer time begins
	} {
		t.Run(arrival, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, arrival)
			if err != nil {
				t.Fatal(err)
			}
			l := newTwoLogs(at)
			l.zone = rome
			l.arrive()
			l.answer(4)
			l.music(604, 614)
			l.hangUp(1204, 1204)
			cel := l.write(t, t.TempDir())
			if want == "" {
				out := wantNothingProved(t, cel, 1, "--zone", "Europe/Rome")
				if !strings.Contains(out, "ambiguous in the zone") {
					t.Errorf("want why:\n%s", out)
				}
				return
			}
			dir := newLedgerDir(t, l.frames[:2], notExempt) // it saw the arrival
			out, code := reconcileCEL(t, dir, cel, "--zone", "Europe/Rome", "--apply")
			if code != 0 || !strings.Contains(out, "version 2 written: "+want) {
				t.Errorf("exit %d, want %s:\n%s", code, want, out)
			}
		})
	}
}

// What was seen in full is not corrected by a CEL whose times are ambiguous.
func TestReconcileShortensNothingInTheHourThatComesTwice(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	for _, arrival := range []time.Time{
		time.Date(2026, 10, 25, 0, 10, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 10, 0, 0, time.UTC),
	} {
		l := newTwoLogs(arrival) // 02:10, the first time or the second
		l.zone = rome
		l.arrive()
		l.answer(4)
		l.hold(14, 16, 14, 18.5)
		l.hangUp(26, 26)
		dir := newLedgerDir(t, l.frames, notExempt)
		out, code := reconcileCEL(t, dir, l.write(t, dir), "--zone", "Europe/Rome", "--apply")
		if code != exitFailed || !containsAll(out, " differs ", "ambiguous in the zone") {
			t.Errorf("exit %d:\n%s", code, out)
		}
	}
}

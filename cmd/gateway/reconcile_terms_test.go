package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
)

// configure replaces text of the configuration of a folder.
func configure(t *testing.T, dir, old, replacement string) {
	t.Helper()
	file := filepath.Join(dir, "gw.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), old, replacement, 1)
	if changed == string(text) {
		t.Fatalf("%q is not in the configuration", old)
	}
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A call that is in the CEL alone is charged where calls before and after it arrived under today's
// operators, price and policy, and no other.
func TestReconcileChargesACallOfTheCELUnderTheTermsOfItsTime(t *testing.T) {
	const why = "no calls before and after it show that operators, price and policy were today's"
	all := around()
	half := len(all) / 2
	for name, c := range map[string]struct {
		frames   [][]byte
		old, new string
		why      string
	}{
		"as before and after": {frames: all},
		"nothing before":      {frames: all[half:], why: why},
		"nothing after":       {frames: all[:half], why: why},
		"other operators":     {all, `"PJSIP/agent*"`, `"PJSIP/agent*", "PJSIP/new*"`, why},
		"another price":       {all, `"0.96"`, `"9.60"`, why},
		"another policy":      {all, "{policy: it}", "{policy: it, also: [wait_voids]}", why},
	} {
		t.Run(name, func(t *testing.T) {
			l := missedTalk()
			dir := newLedgerDir(t, c.frames, notExempt)
			if c.old != "" {
				configure(t, dir, c.old, c.new)
			}
			cel := l.write(t, dir)
			out, code := reconcileCEL(t, dir, cel, "--apply")
			want := "version 2 written: 0.00 EUR for 20.000s of talk" // it waits for a lookup
			if c.why != "" {
				want = "version 1 written: 0.00 EUR for 0.000s of talk"
			}
			if code != 0 || !containsAll(out, want, c.why) {
				t.Errorf("exit %d:\n%s", code, out)
			}
			if out, _ = reconcileCEL(t, dir, cel, "--apply"); strings.Contains(out, "written") {
				t.Errorf("a second time:\n%s", out)
			}
		})
	}
}

// A call that was entered as wholly unseen is charged by a later run, once a later call has shown
// the terms; and not by one that finds other terms.
func TestReconcileChecksTheTermsOfAnEnteredCallAgain(t *testing.T) {
	l := missedTalk()
	f := around()
	dir := newLedgerDir(t, f[:len(f)/2], notExempt)
	configure(t, dir, `["PJSIP/agent*"]`, `["PJSIP/agent*", "PJSIP/new*"]`)
	cel := l.write(t, dir)
	out, code := reconcileCEL(t, dir, cel, "--apply")
	if code != 0 || !strings.Contains(out, "version 1 written") {
		t.Fatalf("exit %d:\n%s", code, out)
	}
	configure(t, dir, `["PJSIP/agent*", "PJSIP/new*"]`, `["PJSIP/agent*"]`)
	out, code = reconcileCEL(t, dir, cel, "--apply")
	if code != exitFailed ||
		!containsAll(out, "unreconciled", "operators of the configuration have changed") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

// The caller's network charged the wait, which was missed: under wait_voids the whole call is free.
func TestReconcileNotesAnEarlyAnswerThatWasMissed(t *testing.T) {
	l := newTwoLogs(morning)
	l.arrive()
	l.row(1.5, "ANSWER", l.caller, "")
	l.answer(4)
	l.music(14, 16)
	l.hangUp(26, 26)
	voids := strings.Replace(readConfig, "{policy: it}", "{policy: it, also: [wait_voids]}", 1)
	dir := newLedgerDirWith(t, voids, l.frames[:2], notExempt)
	out, code := reconcileCEL(t, dir, l.write(t, dir), "--apply")
	records, _ := cli(t, "records", "--ledger", filepath.Join(dir, "ledger.db"))
	if code != 0 || !strings.Contains(out, "version 2 written: 0.00 EUR") ||
		!containsAll(records, `["wait_charged"`, `"answered_early"`) {
		t.Errorf("exit %d:\n%s%s", code, out, records)
	}
}

// Where callers come to the front desk, one who may have come there unseen is not charged.
func TestReconcileChargesNobodyWhoMayHaveBeenAtTheFrontDesk(t *testing.T) {
	desk := newTwoLogs(morning.Add(-time.Hour))
	desk.send(0, ari.ChannelCreated, desk.caller)
	enters := fmt.Sprintf(`{"type":"StasisStart","timestamp":%q,"asterisk_id":"pbx1",`+
		`"application":"risposta","args":["announce","it"],`+
		`"channel":{"id":%q,"name":%q,"state":"Ring"}}`,
		desk.at(1).Format("2006-01-02T15:04:05.000-0700"), desk.caller.ID, desk.caller.Name)
	desk.frames = append(desk.frames, []byte(enters))
	desk.arrive()
	desk.answer(4)
	desk.hangUp(26, 26)
	l := missedTalk()
	for name, c := range map[string]struct {
		seen int
		want string
	}{
		"seen until the queue": {3, "version 2 written: 0.32 EUR for 20.000s of talk"},
		"only the arrival":     {1, "the caller may have been at the front desk"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newLedgerDir(t, append(desk.frames, l.frames[:c.seen]...), notExempt)
			out, _ := reconcileCEL(t, dir, l.write(t, dir), "--apply")
			if !strings.Contains(out, c.want) {
				records, _ := cli(t, "records", "--ledger", filepath.Join(dir, "ledger.db"))
				t.Errorf("%s%s", out, records)
			}
		})
	}
}

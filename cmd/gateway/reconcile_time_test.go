package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// rewrite writes the CEL of the logs with each time in another form.
func (l *twoLogs) rewrite(t *testing.T, dir string, form func(time.Time) string) (cel string) {
	t.Helper()
	cel = l.write(t, dir)
	text, err := os.ReadFile(cel)
	if err != nil {
		t.Fatal(err)
	}
	const layout = "2006-01-02 15:04:05.000-0700"
	times := regexp.MustCompile(`"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d{4}"`)
	out := times.ReplaceAllStringFunc(string(text), func(quoted string) string {
		at, err := time.Parse(layout, strings.Trim(quoted, `"`))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%q", form(at))
	})
	if err := os.WriteFile(cel, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	return cel
}

// With the offset of the zone, and in seconds, each row is one instant: also in the hour that comes
// twice when summer time ends.
func TestReconcileReadsTimesThatSayTheirZone(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	for name, form := range map[string]func(time.Time) string{
		"offset": func(at time.Time) string {
			return at.In(rome).Format("2006-01-02 15:04:05.000-0700")
		},
		"seconds": func(at time.Time) string {
			return fmt.Sprintf("%d.%06d", at.Unix(), at.Nanosecond()/1000)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newTwoLogs(time.Date(2026, 10, 25, 0, 59, 50, 0, time.UTC)) // 02:59:50, then 02:00
			l.arrive()
			l.answer(4)
			l.music(14, 16)
			l.hangUp(26, 26)
			dir := newLedgerDir(t, l.seenUntilQueue(), notExempt)
			out, code := reconcileCEL(t, dir, l.rewrite(t, dir, form), "--apply")
			if code != 0 || !strings.Contains(out, "version 2 written: 0.32 EUR for 20.000s of talk") {
				t.Errorf("exit %d:\n%s", code, out)
			}
		})
	}
}

// Local times need a zone, and a zone that puts a call elsewhere than the ledger has it is none.
func TestReconcileNeedsTheZoneOfLocalTimes(t *testing.T) {
	local := func(at time.Time) string { return at.Format("2006-01-02 15:04:05.000") } // in UTC
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"none":    {nil, exitUsage, "give --zone"},
		"another": {[]string{"--zone", "Asia/Kolkata"}, exitFailed, "is not the zone of the CEL"},
		"its own": {[]string{"--zone", "UTC"}, 0, "version 2 written: 0.32 EUR"},
	} {
		t.Run(name, func(t *testing.T) {
			l := missedTalk()
			dir := newLedgerDir(t, l.seenUntilQueue(), notExempt)
			out, code := reconcileCEL(t, dir, l.rewrite(t, dir, local), append(c.args, "--apply")...)
			if code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("exit %d, want %d with %q:\n%s", code, c.code, c.want, out)
			}
		})
	}
}

// The ledger has the call at another time than the CEL, which says its zone: a clock was set, or it
// is another call.
func TestReconcileLeavesACallOfAnotherTime(t *testing.T) {
	l := missedTalk()
	dir := newLedgerDir(t, l.seenUntilQueue(), notExempt)
	later := func(at time.Time) string {
		return at.Add(time.Hour).Format("2006-01-02 15:04:05.000-0700")
	}
	cel := l.rewrite(t, dir, later)
	wantNothingWritten(t, dir, cel, exitFailed, "the PBX's clock was set, or it is another call")
}

// A CEL does not say which PBX it is of.
func TestReconcileNeedsTheNodeWhereSeveralAreKnown(t *testing.T) {
	l := missedTalk()
	second := newTwoLogs(morning.Add(-time.Hour))
	second.arrive()
	second.answer(4)
	second.hangUp(26, 26)
	for i, f := range second.frames {
		second.frames[i] = []byte(strings.ReplaceAll(string(f), `"pbx1"`, `"pbx2"`))
	}
	const written = "version 2 written: 0.32 EUR"
	two := append(second.frames, l.seenUntilQueue()...)
	for name, c := range map[string]struct {
		frames [][]byte
		more   string // of the configuration
		args   []string
		code   int
		want   string
	}{
		"one":                {frames: l.seenUntilQueue(), want: written},
		"none in the ledger": {code: exitFailed, want: "give --node"},
		"two in the ledger":  {frames: two, code: exitFailed, want: "give --node"},
		"one of two":         {frames: two, args: []string{"--node", "pbx1"}, want: written},
		"one that is not known": {
			frames: two, args: []string{"--node", "pbx"}, code: exitFailed, want: "but of pbx1, pbx2",
		},
		"the other": {
			frames: two, args: []string{"--node", "pbx2"}, code: exitFailed,
			want: "the ledger has this call of PBX pbx1",
		},
		"two in the configuration": {
			frames: l.seenUntilQueue(), more: `, {name: b, url: "http://127.0.0.1:2/ari", username: u}`,
			code: exitUsage, want: "give --node",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newLedgerDir(t, c.frames, notExempt)
			if c.more != "" {
				configure(t, dir, "username: u}", "username: u}"+c.more)
			}
			out, code := reconcileCEL(t, dir, l.write(t, dir), append(c.args, "--apply")...)
			if code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("exit %d, want %d with %q:\n%s", code, c.code, c.want, out)
			}
		})
	}
}

// The same part of a CEL given twice is refused, and not taken for two calls.
func TestReconcileRefusesACELThatHasACallTwice(t *testing.T) {
	l := missedTalk()
	first := l.cel.String()
	later := newTwoLogs(morning.Add(time.Hour))
	later.arrive()
	later.answer(4)
	later.hangUp(26, 26)
	l.cel.WriteString(later.cel.String() + first)
	dir := newLedgerDir(t, l.seenUntilQueue(), notExempt)
	wantNothingWritten(t, dir, l.write(t, dir), exitFailed, "give each part of it once")
}

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/ari"
)

// missedTalk is a call whose operator answered while the gateway did not see the PBX: it saw the
// caller come into the queue, three frames. The CEL has 20 s of talk, from 4 to 14 and from 16 to
// 26, at 1.6 cents a second, and between them a hold that shows. also writes what else it has.
func missedTalk(also ...func(*twoLogs)) *twoLogs {
	l := newTwoLogs(morning)
	l.arrive()
	l.answer(4)
	for _, f := range also {
		f(l)
	}
	l.music(14, 16)
	l.hangUp(26, 26)
	return l
}

// seenUntilQueue are the frames that the gateway saw of it.
func (l *twoLogs) seenUntilQueue() [][]byte { return l.frames[:3] }

// other is a channel besides the caller's and the operator's.
func (l *twoLogs) other(name string) ari.Channel {
	return ari.Channel{ID: l.caller.ID + "9", Name: name, State: "Down"}
}

func transferredTo(extra string) func(*twoLogs) {
	return func(l *twoLogs) { l.row(13, "BLINDTRANSFER", l.operator, extra) }
}

// alone writes a row of a channel whose linkedid is its own.
func (l *twoLogs) alone(sec float64, event string, c ari.Channel, extra string) {
	caller := l.caller.ID
	l.caller.ID = c.ID
	l.row(sec, event, c, extra)
	l.caller.ID = caller
}

// The CEL proves the talk of a call, and nothing in it forbids to charge it.
func TestReconcileChargesMissedTalk(t *testing.T) {
	for name, extra := range map[string]string{
		"no transfer": "", "to an extension": `{"extension":"1007","bridge_id":"b"}`,
		"to a landline": `{"extension":"0612345678","bridge_id":"b"}`,
	} {
		t.Run(name, func(t *testing.T) {
			var also []func(*twoLogs)
			if extra != "" {
				also = append(also, transferredTo(extra))
			}
			l := missedTalk(also...)
			dir := newLedgerDir(t, l.seenUntilQueue(), notExempt)
			out, code := reconcileCEL(t, dir, l.write(t, dir), "--apply")
			if code != 0 || !strings.Contains(out, "version 2 written: 0.32 EUR for 20.000s of talk") {
				t.Errorf("exit %d:\n%s", code, out)
			}
		})
	}
}

// Each of these rows forbids to charge what was missed, or leaves open whether something does.
func TestReconcileChargesNothingThatMayBeForbidden(t *testing.T) {
	for name, c := range map[string]struct {
		also func(*twoLogs)
		why  string
	}{
		"transferred to a surcharge number": {
			transferredTo(`{"extension":"899123456","bridge_id":"b"}`), "a number of the kind premium",
		},
		"transferred to a number of no plan": {
			transferredTo(`{"extension":"77","bridge_id":"b"}`), "a number of the kind unknown",
		},
		"transferred to what the CEL does not show": {
			transferredTo(`{"bridge_id":"b"}`), "a number of the kind unknown",
		},
		"an outside leg is dialled": {func(l *twoLogs) {
			l.row(13, "CHAN_START", l.other("PJSIP/carrier-00000009"), "")
			l.row(13.5, "CHAN_END", l.other("PJSIP/carrier-00000009"), "")
		}, "an outside leg was in it"},
		"an outside leg of the operator's own call comes in": {func(l *twoLogs) {
			o := l.other("PJSIP/carrier-00000009")
			l.alone(5, "CHAN_START", o, "")
			l.alone(12, "ANSWER", o, "")
			l.alone(13, "BRIDGE_ENTER", o, bridgeRow)
			l.alone(13.5, "BRIDGE_EXIT", o, bridgeRow)
			l.alone(13.5, "CHAN_END", o, "")
		}, "an outside leg was in it"},
		"at the front desk": {func(l *twoLogs) {
			c := l.caller
			c.Exten, c.Context = "announce", "risposta"
			l.row(13, "APP_START", c, "")
		}, "the caller was at the front desk"},
		"a key": {func(l *twoLogs) {
			l.row(13, "DTMF", l.operator, `{"digit":"#","duration_ms":100}`)
		}, "a key was pressed"},
		"a sound": {func(l *twoLogs) {
			l.row(12, "STREAM_BEGIN", l.caller, `{"sound":"menu","format":"gsm","language":"en"}`)
			l.row(13, "STREAM_END", l.caller, "")
		}, "a sound was played"},
		"a conference": {func(l *twoLogs) {
			o := l.other("PJSIP/agent7-00000009")
			l.row(12, "CHAN_START", o, "")
			l.row(12, "BRIDGE_ENTER", o, `{"bridge_id":"b","bridge_technology":"softmix"}`)
			l.row(13, "BRIDGE_EXIT", o, `{"bridge_id":"b","bridge_technology":"softmix"}`)
			l.row(13, "CHAN_END", o, "")
		}, "mixed more than two"},
		"a dead phone": {func(l *twoLogs) {
			o := l.other("PJSIP/agent7-00000009")
			l.row(5, "CHAN_START", o, "")
			l.row(6, "ANSWER", o, "")
			l.row(13, "HANGUP", o, `{"hangupcause":44,"hangupsource":"","dialstatus":""}`)
			l.row(13, "CHAN_END", o, "")
		}, "a phone from which nothing came"},
		"a row of a bridge is missing": {func(l *twoLogs) {
			o := l.other("PJSIP/agent7-00000009")
			l.row(5, "CHAN_START", o, "")
			l.row(6, "BRIDGE_ENTER", o, `{"bridge_id":"other","bridge_technology":"simple_bridge"}`)
			l.row(13, "CHAN_END", o, "")
		}, "rows are missing"},
		"the clock was set back": {func(l *twoLogs) {
			o := l.other("PJSIP/carrier-00000009")
			l.alone(3600, "CHAN_START", o, "")
			l.alone(13, "CHAN_END", o, "")
		}, "clock was set back"},
	} {
		t.Run(name, func(t *testing.T) {
			l := missedTalk(c.also)
			dir := newLedgerDir(t, l.seenUntilQueue(), notExempt)
			wantNothingWritten(t, dir, l.write(t, dir), exitFailed, "unreconciled", c.why)
		})
	}
}

// The key was seen, before the gap, and what it began may have gone on in it.
func TestReconcileKeyBeforeTheGapForbids(t *testing.T) {
	l := newTwoLogs(morning)
	l.arrive()
	l.answer(4)
	l.row(5, "DTMF", l.operator, `{"digit":"#","duration_ms":100}`)
	seen := len(l.frames)
	l.music(14, 16)
	l.hangUp(26, 26)
	dir := newLedgerDir(t, l.frames[:seen], notExempt)
	wantNothingWritten(t, dir, l.write(t, dir), exitFailed, "unreconciled", "a key was pressed")
}

// A carrier replaced the caller's leg: it never ran the dialplan, and is part of another call.
func TestReconcileChargesNoLegThatTookAnothersPlace(t *testing.T) {
	l := missedTalk()
	dir := newLedgerDir(t, l.seenUntilQueue(), notExempt)
	rows := l.cel.String()
	l.cel.Reset()
	l.cel.WriteString(strings.Replace(rows, "APP_START", "X", 1))
	wantNothingWritten(t, dir, l.write(t, dir), exitFailed, "unreconciled", "takes another's place")
}

// What the CEL proves to forbid the charge also takes back the charge of the part that was seen.
// Asterisk's threads write the transfer's row before those of leaving the bridge, or behind them.
func TestReconcileFreesACallThatWasLedToASurchargeNumber(t *testing.T) {
	for name, left := range map[string]bool{"transfer first": false, "bridge first": true} {
		t.Run(name, func(t *testing.T) {
			l := newTwoLogs(morning)
			l.arrive()
			l.answer(4)
			l.hold(14, 16, 14, 16)
			seen := len(l.frames)
			for _, c := range []ari.Channel{l.caller, l.operator} {
				if left {
					l.row(20, "BRIDGE_EXIT", c, bridgeRow)
				}
			}
			l.row(20, "BLINDTRANSFER", l.operator, fmt.Sprintf(`{"extension":"899123456","bridge_id":"b",`+
				`"transferee_channel_name":%q,"transferee_channel_uniqueid":%q}`, l.caller.Name, l.caller.ID))
			l.hangUp(26, 26)
			wantFreedByTheCEL(t, l, seen)
		})
	}
}

func wantFreedByTheCEL(t *testing.T, l *twoLogs, seen int) {
	t.Helper()
	dir := newLedgerDir(t, l.frames[:seen], notExempt)
	cel := l.write(t, dir)
	out, code := reconcileCEL(t, dir, cel, "--apply")
	records, _ := cli(t, "records", "--ledger", filepath.Join(dir, "ledger.db"))
	if code != 0 || !strings.Contains(out, "version 2 written: 0.00 EUR") ||
		!containsAll(records, `"reasons":["number_refused"`, `"reconciled"`,
			`"numbers":["geographic","premium"]`) {
		t.Errorf("exit %d:\n%s%s", code, out, records)
	}
	out, code = cli(t, "verify", "--ledger", filepath.Join(dir, "ledger.db"))
	if code != 0 {
		t.Errorf("exit %d:\n%s", code, out)
	}
	if out, _ = reconcileCEL(t, dir, cel, "--apply"); strings.Contains(out, "written") {
		t.Errorf("a second time:\n%s", out)
	}
}

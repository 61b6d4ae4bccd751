package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/retention"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// ledgerWithGap is a folder with a configuration and a ledger of the call hold-transfer, of which
// the gateway saw only the first frames.
func ledgerWithGap(t *testing.T, seen int) (dir string) {
	t.Helper()
	text, err := os.ReadFile(holdTransfer + "ari.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	frames := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return newLedgerDir(t, frames[:min(seen, len(frames))], notExempt)
}

const (
	holdTransfer    = "../../integration/testdata/traces/hold-transfer/"
	holdTransferCEL = holdTransfer + "cel.csv"
)

// reconcileCLI runs `risposta reconcile` on the folder, with the CDRs and the queue_log of
// hold-transfer.
func reconcileCLI(t *testing.T, dir, cel string, more ...string) (string, int) {
	t.Helper()
	var out, errs bytes.Buffer
	args := append([]string{
		"reconcile", "--config", filepath.Join(dir, "gw.yaml"), "--cel", cel, "--zone", "UTC",
		"--cdr", holdTransfer + "cdr.csv", "--queue-log", holdTransfer + "queue_log",
	}, more...)
	code := run(context.Background(), args, testSecrets[1:], &out, &errs)
	return out.String() + errs.String(), code
}

// provedCEL is the CEL of hold-transfer in a folder, with a hold of the second operator's besides,
// from 09:46:26 to 09:46:27. It leaves 8.478 s of talk.
func provedCEL(t *testing.T, dir string) (cel string) {
	t.Helper()
	text, err := os.ReadFile(holdTransferCEL)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		out.WriteString(line)
		if strings.HasPrefix(line, `"BRIDGE_ENTER","2026-11-23 09:46:24.980"`) &&
			strings.Contains(line, "trunk-00000008") {
			const caller = `"+390612345678","pbx1-1795427174.114","pbx1-1795427174.114","PJSIP/trunk-00000008",`
			out.WriteString(`"STREAM_BEGIN","2026-11-23 09:46:26.000",` + caller + `"{""class"":""default""}"` + "\n")
			out.WriteString(`"STREAM_END","2026-11-23 09:46:27.000",` + caller + `""` + "\n")
		}
	}
	cel = filepath.Join(dir, "proved.csv")
	if err := os.WriteFile(cel, []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return cel
}

// Of the two operators of hold-transfer only the first has put the caller on hold. A hold of the
// second might not have shown, so the talk with the second stays unseen, and free.
func TestReconcileFillsInOnlyOperatorsWhoseHoldShowed(t *testing.T) {
	for _, seen := range []int{20, 58} {
		dir := ledgerWithGap(t, seen)
		out, code := reconcileCLI(t, dir, holdTransferCEL, "--apply")
		if code != 0 || !containsAll(out, "version 2 written: 0.04 EUR for 3.507s of talk") {
			t.Errorf("%d frames seen: exit %d:\n%s", seen, code, out)
		}
		records, _ := cli(t, "records", "--ledger", filepath.Join(dir, "ledger.db"))
		if !containsAll(records, `"unseen_ms":5971`, `"unseen","answered_early","reconciled"]`) {
			t.Errorf("%d frames seen:\n%s", seen, records)
		}
		out, code = reconcileCLI(t, dir, holdTransferCEL, "--apply")
		if code != exitFailed || !containsAll(out, "unreconciled", "it adds nothing") {
			t.Errorf("%d frames seen, a second time: exit %d:\n%s", seen, code, out)
		}
	}
}

// The CEL fills in what was not seen: a new version, both kept, and `risposta verify` replays both.
func TestReconcileFillsInWhatWasNotSeen(t *testing.T) {
	whole, err := os.ReadFile(holdTransfer + "ari.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Count(whole, []byte("\n"))
	for _, seen := range []int{20, lines / 3, lines / 2, lines * 2 / 3} {
		dir := ledgerWithGap(t, seen)
		path, cel := filepath.Join(dir, "ledger.db"), provedCEL(t, dir)
		out, code := reconcileCLI(t, dir, cel)
		if code != exitFailed || !containsAll(out, " reconciled ", "16.005s      2\n",
			"--apply would write version 2: 0.12 EUR", "the records and Asterisk's logs differ: 1 calls") {
			t.Errorf("%d frames seen: exit %d:\n%s", seen, code, out)
		}
		out, code = reconcileCLI(t, dir, cel, "--apply")
		if code != 0 || !containsAll(out, "version 2 written: 0.12 EUR for 8.4",
			"0 calls agree, 1 differ, 1 of them have a new record",
			"2026-11 help: Asterisk's CDRs would have billed 16.005 s in 1 calls, of which 8.478 s were talk: "+
				"7.527 s, 0.13 EUR too much\n") {
			t.Errorf("%d frames seen: exit %d:\n%s", seen, code, out)
		}
		records, _ := cli(t, "records", "--ledger", path)
		if strings.Count(records, "\n") != 1 ||
			!containsAll(records, `"version":2`, `"outcome":"talked"`, `"reconciled"`) {
			t.Errorf("%d frames seen: the newest record is not the better one:\n%s", seen, records)
		}
		out, code = cli(t, "verify", "--ledger", path)
		if code != 0 || !strings.Contains(out, "2 records: 2 replayed") {
			t.Errorf("%d frames seen: exit %d:\n%s", seen, code, out)
		}
		call := between(records, `"call":"`, `"`)
		out, code = cli(t, "explain", "--ledger", path, call)
		if code != 0 || !strings.Contains(out, "byte for byte") {
			t.Errorf("%d frames seen: exit %d:\n%s", seen, code, out)
		}
		out, code = reconcileCLI(t, dir, cel, "--apply")
		if code != 0 || !strings.Contains(out, "1 calls agree, 0 differ") {
			t.Errorf("%d frames seen, a second time: exit %d:\n%s", seen, code, out)
		}
		evidence, _ := cli(t, "explain", "--ledger", path, "--evidence", call)
		if strings.Contains(evidence, "612345678") {
			t.Error("the caller's number is in the evidence")
		}
	}
}

// A CEL without music cannot show a hold, and a CEL that contradicts what the gateway saw is not
// trusted: nothing more is charged.
func TestReconcileRefusesAPoorCEL(t *testing.T) {
	good, err := os.ReadFile(holdTransferCEL)
	if err != nil {
		t.Fatal(err)
	}
	var silent []string
	for line := range strings.Lines(string(good)) {
		if !strings.Contains(line, "STREAM_") {
			silent = append(silent, line)
		}
	}
	for why, text := range map[string]string{
		"it shows no music in this call": strings.Join(silent, ""),
		"in the time that was seen, it shows": strings.Replace(
			string(good), "BRIDGE_ENTER", "BRIDGE_UPDATE", 2),
	} {
		dir := ledgerWithGap(t, 130)
		cel := filepath.Join(dir, "cel.csv")
		if err := os.WriteFile(cel, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, code := reconcileCLI(t, dir, cel, "--apply")
		if code != exitFailed || !containsAll(out, "unreconciled", why) {
			t.Errorf("exit %d, want %q:\n%s", code, why, out)
		}
		records, _ := cli(t, "records", "--ledger", filepath.Join(dir, "ledger.db"))
		if !strings.Contains(records, `"version":1`) {
			t.Errorf("the record was superseded:\n%s", records)
		}
	}
}

// A call that is in the CEL alone gets two records: an uncertain one, then the reconciled one. No
// exemption lookup has answered about its caller, so it is pending, with the number of the CEL
// encrypted for the running gateway.
func TestReconcileAddsACallWithoutARecord(t *testing.T) {
	dir := newLedgerDir(t, around(), notExempt)
	cel := serviceCEL(t, dir)
	out, code := reconcileCLI(t, dir, cel, "--apply")
	if code != 0 || !containsAll(out, "no record", "version 2 written: 0.00 EUR for 8.4") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	path := filepath.Join(dir, "ledger.db")
	out, code = cli(t, "verify", "--ledger", path)
	if code != 0 || !strings.Contains(out, "4 records: 4 replayed") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	l, err := ledger.Open(context.Background(), path, ledger.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	pending, err := l.PendingRecords(context.Background())
	if err = errors.Join(err, l.Close()); err != nil || len(pending) != 1 {
		t.Fatalf("%d pending records, %v; want one", len(pending), err)
	}
	pseudonyms, err := metering.ParseKeys(testKey)
	if err != nil {
		t.Fatal(err)
	}
	number, err := pseudonyms.Decrypt(pending[0].EncryptedCaller)
	if err != nil || number.Clear() != "+390612345678" {
		t.Errorf("the encrypted number is not the caller's: %v", err)
	}
	if bytes.Contains(pending[0].EncryptedCaller, []byte("12345678")) {
		t.Error("the number is not encrypted")
	}
}

// serviceCEL writes the CEL of hold-transfer with the extension and context of the service, so that
// reconcile finds the call without a record.
func serviceCEL(t *testing.T, dir string) (file string) {
	t.Helper()
	good, err := os.ReadFile(provedCEL(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for line := range strings.Lines(string(good)) {
		text.WriteString(strings.TrimSuffix(line, "\n") + `,"1001","from-trunk"` + "\n")
	}
	file = filepath.Join(dir, "cel.csv")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// The CEL still has a call whose detail is erased: it is skipped with a line, and not entered a
// second time, whether or not the PBX is named.
func TestReconcileSkipsAnErasedCall(t *testing.T) {
	const node = "02:fc:00:00:00:01" // of the recording
	for _, more := range [][]string{{"--apply", "--node", node}, {"--apply"}} {
		dir := ledgerWithGap(t, math.MaxInt)
		path := filepath.Join(dir, "ledger.db")
		l, err := ledger.Open(t.Context(), path, ledger.ReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		later := time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC)
		n, err := retention.Erase(t.Context(), l, later, later)
		if err = errors.Join(err, l.Close()); err != nil || n != 1 {
			t.Fatalf("%d calls erased, %v; want one", n, err)
		}
		out, code := reconcileCLI(t, dir, serviceCEL(t, dir), more...)
		if code != 0 || !containsAll(out, "skipped: calls of that time are erased: it may have its record already",
			"0 calls agree, 0 differ") {
			t.Errorf("%v: exit %d:\n%s", more, code, out)
		}
		records, _ := cli(t, "records", "--ledger", path)
		if strings.Count(records, "\n") != 1 || !strings.Contains(records, `"detail_erased":true`) {
			t.Errorf("%v: want the erased record alone:\n%s", more, records)
		}
	}
}

func containsAll(text string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}

package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/retention"
	"github.com/risposta/gateway/metering/ledger"
)

// signedLedger is a written ledger whose log is signed, and a copy of the signed head.
func signedLedger(t *testing.T) (path, head string) {
	t.Helper()
	path = writtenLedger(t)
	l, err := ledger.Open(context.Background(), path, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	h := sign(t, l, path)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	head = filepath.Join(t.TempDir(), "head")
	if err := os.WriteFile(head, h.Note, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, head
}

func TestVerifyAnUnchangedLedger(t *testing.T) {
	path, head := signedLedger(t)
	out, code := cli(t, "verify", "--ledger", path, "--head", head)
	if code != 0 || !containsAll(out,
		"2 records: 2 replayed from their evidence to the same bytes, 0 erased",
		"6 leaves in the log; it agrees with 3 signed heads; 0 leaves since the newest") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	if info, err := os.Stat(path + ".key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, %v; want 0600", info.Mode(), err)
	}
}

// Detail that is due is erased down to its bytes, except that of a disputed call. The log still
// agrees with every head.
func TestVerifyAfterErasure(t *testing.T) {
	ctx := context.Background()
	path, head := signedLedger(t)
	disputed, code := cli(t, "records", "--ledger", path, "--service", "help")
	if code != 0 {
		t.Fatal(disputed)
	}
	call := between(disputed, `"call":"`, `"`)
	if out, code := cli(t, "dispute", "open", "--ledger", path, "--note", "case 7", call); code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	erase := func() int {
		l, err := ledger.Open(ctx, path, ledger.Exclusive)
		if err != nil {
			t.Fatal(err)
		}
		n, err := retention.Erase(ctx, l, time.Now(), time.Now())
		if err = errors.Join(err, l.Close()); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := erase(); n != 1 {
		t.Errorf("%d records were erased beside a disputed one, want 1", n)
	}
	if out, code := cli(t, "explain", "--ledger", path, call); code != 0 {
		t.Errorf("a disputed call can't be explained: %s", out)
	}
	if out, code := cli(t, "dispute", "close", "--ledger", path, call); code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	if n := erase(); n != 1 {
		t.Errorf("%d records were erased after the dispute, want 1", n)
	}
	out, code := cli(t, "verify", "--ledger", path, "--head", head)
	if code != 0 || !containsAll(out,
		"2 records: 0 replayed from their evidence to the same bytes, 2 erased",
		"10 leaves in the log; it agrees with 3 signed heads") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	records, _ := cli(t, "records", "--ledger", path)
	for _, gone := range []string{call, `"c-`, "PJSIP/agent1", "T09:"} {
		if strings.Contains(records, gone) {
			t.Errorf("%q is still in the records:\n%s", gone, records)
		}
	}
	if !strings.Contains(records, `"amount":"0.14"`) {
		t.Errorf("the charge is gone, too:\n%s", records)
	}
	for _, file := range []string{path, path + "-wal"} {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(call)) || bytes.Contains(text, []byte("ChannelHold")) {
			t.Errorf("bytes of an erased call are still in %s", filepath.Base(file))
		}
	}
}

func between(s, before, after string) string {
	_, rest, _ := strings.Cut(s, before)
	middle, _, _ := strings.Cut(rest, after)
	return middle
}

func TestDisputePack(t *testing.T) {
	path, _ := signedLedger(t)
	records, _ := cli(t, "records", "--ledger", path, "--service", "help")
	call := between(records, `"call":"`, `"`)
	into := filepath.Join(t.TempDir(), "pack")
	if out, code := cli(t, "dispute", "pack", "--ledger", path, "--into", into, call); code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(into, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	bill := read("itemisation.txt")
	for _, want := range []string{
		"waiting, announcements, music", "0.00 EUR\non hold",
		"talk with an operator                    9.478s       0.14 EUR",
		"9 whole seconds of talk were charged",
	} {
		if !strings.Contains(bill, want) {
			t.Errorf("the itemisation lacks %q:\n%s", want, bill)
		}
	}
	all := bill
	for _, name := range []string{"timeline.txt", "record.json", "evidence.jsonl", "proof.txt"} {
		all += read(name)
	}
	if strings.Contains(all, "612345678") {
		t.Error("the caller's number is in the pack")
	}
	proof := filepath.Join(into, "proof.txt")
	out, code := cli(t, "verify", "--key", path+".key.pub", "--proof", proof)
	want := "record " + between(records, `"record":"`, `"`) + ", whose JSON has the SHA-256 "
	if code != 0 || !strings.Contains(out, want) {
		t.Errorf("exit %d: %s", code, out)
	}
	out, code = cli(t, "dispute", "pack", "--ledger", path, "--into", into, call)
	if code != exitFailed {
		t.Errorf("a pack was written over another: exit %d, %s", code, out)
	}
	out, code = cli(t, "dispute", "open", "--ledger", path, "no-such-call")
	if code != exitFailed || !strings.Contains(out, "not found in the ledger") {
		t.Errorf("a dispute of no call: exit %d, %s", code, out)
	}
}

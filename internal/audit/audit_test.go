package audit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
	_ "github.com/risposta/gateway/metering/ledger/sqlite"
	"github.com/risposta/gateway/metering/tariff"
)

// busyLedger commits a call at each reading of a snapshot, as a running gateway does.
type busyLedger struct {
	ledger.Store
	t     *testing.T
	calls int
}

func (b *busyLedger) commit(ctx context.Context) {
	b.t.Helper()
	call := metering.CallID(fmt.Sprint("c", b.calls))
	b.calls++
	// A record without evidence of its own is not replayed.
	record := metering.Record{
		Record: "r-" + string(call), Version: 1, Call: call, Charge: tariff.Zero(nil),
	}
	for _, batch := range []ledger.Batch{
		{Opened: []ledger.OpenCall{{Call: call}}}, {Records: []metering.Record{record}},
	} {
		if err := b.Commit(ctx, &batch); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *busyLedger) Snapshot(ctx context.Context, f func(ledger.Snapshot) error) error {
	return b.Store.Snapshot(ctx, func(s ledger.Snapshot) error {
		return f(busySnapshot{Snapshot: s, ledger: b})
	})
}

type busySnapshot struct {
	ledger.Snapshot
	ledger *busyLedger
}

func (s busySnapshot) Hashes(ctx context.Context, f func(int64, []byte) error) error {
	s.ledger.commit(ctx)
	return s.Snapshot.Hashes(ctx, f)
}

func (s busySnapshot) Leaves(ctx context.Context, f func(int64, string, []byte) error) error {
	s.ledger.commit(ctx)
	return s.Snapshot.Leaves(ctx, f)
}

func (s busySnapshot) EveryRecord(ctx context.Context, f func(string, []byte) error) error {
	s.ledger.commit(ctx)
	return s.Snapshot.EveryRecord(ctx, f)
}

// What a running gateway commits during the audit is no problem of the ledger: the audit is of one
// state.
func TestVerifyBesideARunningGateway(t *testing.T) {
	dir := t.TempDir()
	url := filepath.Join(dir, "ledger.db")
	l, err := ledger.Open(t.Context(), url, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	signer, err := Signer(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := Verifier(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	b := &busyLedger{Store: l, t: t}
	b.commit(t.Context())
	b.commit(t.Context())
	if _, _, err := l.SignLog(t.Context(), time.Now(), signer); err != nil {
		t.Fatal(err)
	}
	report, err := Verify(t.Context(), b, verifier, nil)
	if err != nil || len(report.Problems) != 0 || report.Records != 2 || report.Leaves != 2 ||
		report.Heads != 1 || report.Unsigned != 0 {
		t.Errorf("%+v, %v; want no problem in 2 records", report, err)
	}
	report, err = Verify(t.Context(), l, verifier, nil)
	if err != nil || len(report.Problems) != 0 || report.Records != 5 || report.Unsigned != 3 {
		t.Errorf("afterwards: %+v, %v; want no problem in 5 records", report, err)
	}
}

// The key is made once, its private half is its owner's alone, and either file gives the public
// half.
func TestLogKeyIsMadeOnceAndRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if _, err := Verifier(file); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a key that does not exist: %v", err)
	}
	var heads []merkle.Head
	for range 2 {
		signer, err := Signer(file)
		if err != nil {
			t.Fatal(err)
		}
		head, err := merkle.Sign(0, &merkle.Memory{}, signer)
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, head)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the private key has the mode %v, %v; want 0600", info.Mode(), err)
	}
	for _, name := range []string{file, file + ".pub"} {
		verifier, err := Verifier(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, head := range heads {
			if _, err := note.Open(head.Note, note.VerifierList(verifier)); err != nil {
				t.Errorf("a head under the key of %s: %v", name, err)
			}
		}
	}
	if err := os.WriteFile(file, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Signer(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file that holds no key: %v", err)
	}
}

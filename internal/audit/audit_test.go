package audit

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
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
	// A record without evidence of its own is not replayed. Its day is over, so that the day's counts
	// are in the log, too.
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

func (s busySnapshot) EveryRecord(ctx context.Context, f func(ledger.Row) error) error {
	s.ledger.commit(ctx)
	return s.Snapshot.EveryRecord(ctx, f)
}

func (s busySnapshot) Records(
	ctx context.Context, q ledger.Query, f func([]byte) error,
) error {
	s.ledger.commit(ctx)
	return s.Snapshot.Records(ctx, q, f)
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
	signer, err := Signer(filepath.Join(dir, "key"), false)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := Verifiers(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	b := &busyLedger{Store: l, t: t}
	b.commit(t.Context())
	b.commit(t.Context())
	if _, _, err := l.SignLog(t.Context(), time.Now(), signer); err != nil {
		t.Fatal(err)
	}
	report, err := Verify(t.Context(), b, Options{Keys: keys})
	if err != nil || len(report.Problems) != 0 || report.Records != 2 || report.Leaves != 4 ||
		report.Heads != 1 || report.Unsigned != 0 {
		t.Errorf("%+v, %v; want no problem in 2 records", report, err)
	}
	report, err = Verify(t.Context(), l, Options{Keys: keys})
	if err != nil || len(report.Problems) != 0 || report.Records != 6 || report.Unsigned != 8 {
		t.Errorf("afterwards: %+v, %v; want no problem in 6 records", report, err)
	}
}

package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// A ledger of 2 GB is copied while 100 calls a second open and end: how long that takes, and the
// longest commit.
func BenchmarkBackup(b *testing.B) {
	const rows, rowBytes, callsASecond = 900_000, 2000, 100
	path := filepath.Join(b.TempDir(), "ledger.db")
	opened, err := ledger.Open(b.Context(), path, ledger.Exclusive)
	if err != nil {
		b.Fatal(err)
	}
	l := opened.(*store)
	defer func() {
		if err := l.Close(); err != nil {
			b.Error(err)
		}
	}()
	for first := 0; first < rows; first += rows / 100 {
		err := l.change(b.Context(), func(tx txn) error {
			_, err := tx.ExecContext(b.Context(), `
			WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 + ?2 - 1)
			INSERT INTO record (record, call, version, service, arrived_at, json)
			SELECT 'r-' || i, 'c-' || i, 1, 'help', i, randomblob(?3) FROM n`, first, rows/100, rowBytes)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	calls, longest := 0, time.Duration(0)
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	ctx, stop := context.WithCancel(b.Context())
	failed := make(chan error)
	go func() {
		tick := time.NewTicker(time.Second / callsASecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				failed <- nil
				return
			case <-tick.C:
			}
			id := metering.CallID(fmt.Sprint("live-", calls))
			calls++
			r := metering.Record{
				Record: "r-" + string(id), Version: 1, Call: id, ArrivedAt: metering.Time{Time: noon},
				Charge: tariff.Zero(nil),
			}
			began := time.Now()
			for _, batch := range []ledger.Batch{
				{Opened: []ledger.OpenCall{{Call: id, ArrivedAt: noon}}}, {Records: []metering.Record{r}},
			} {
				if err := l.Commit(context.Background(), &batch); err != nil {
					<-ctx.Done()
					failed <- err
					return
				}
			}
			longest = max(longest, time.Since(began)/2)
		}
	}()
	for n := 0; b.Loop(); n++ {
		into := filepath.Join(b.TempDir(), fmt.Sprint("copy-", n))
		if err := l.Backup(b.Context(), into); err != nil {
			b.Fatal(err)
		}
	}
	stop()
	if err := <-failed; err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/1e9, "GB")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/copy")
	b.ReportMetric(float64(calls)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64(longest.Milliseconds()), "longest-commit-ms")
}

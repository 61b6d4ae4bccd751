package retention

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// ledgerWithErased is a ledger of so many erased records, from before noon, and the calls.
func ledgerWithErased(b *testing.B, erased int, calls []call) ledger.Store {
	b.Helper()
	path := filepath.Join(b.TempDir(), "ledger.db")
	l, err := ledger.Open(b.Context(), path, ledger.Exclusive)
	if err == nil {
		err = l.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		b.Fatal(err)
	}
	_, err = db.Exec(`
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
		INSERT INTO record (record, call, version, service, arrived_at, json, erased_at)
		SELECT 'r-' || i, 'e-' || i, 1, 'help', ?1 - 86400000 * (i % 100), zeroblob(700), 1 FROM n`,
		noon.AddDate(0, 0, -1).Truncate(24*time.Hour).UnixMilli(), erased)
	if err = errors.Join(err, db.Close()); err != nil {
		b.Fatal(err)
	}
	l, err = ledger.Open(b.Context(), path, ledger.Exclusive)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.Close(); err != nil {
			b.Error(err)
		}
	})
	for len(calls) > 0 {
		n := min(1000, len(calls))
		if err := enter(b.Context(), l, calls[:n]...); err != nil {
			b.Fatal(err)
		}
		calls = calls[n:]
	}
	return l
}

// longestCommit commits calls of their own, one after the other, while something is done, and
// returns how long the longest of those commits took.
func longestCommit(b *testing.B, l ledger.Store, name string, do func()) (longest time.Duration) {
	b.Helper()
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			began := time.Now()
			id := metering.CallID(fmt.Sprint(name, n))
			err := l.Commit(context.Background(), &ledger.Batch{
				Opened: []ledger.OpenCall{{Call: id, ArrivedAt: noon}},
			})
			longest = max(longest, time.Since(began))
			if err != nil {
				<-stop
				done <- err
				return
			}
		}
	}()
	do()
	close(stop)
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	return longest
}

// Erasing beside commits: what one call costs, and how long the longest commit took, alone for a
// second, and beside the erasing.
func BenchmarkErase(b *testing.B) {
	const each = 1000
	calls := make([]call, each)
	for i := range calls {
		id := metering.CallID(fmt.Sprint("c-", i))
		calls[i] = call{id: id, service: "help", arrived: noon, cents: []int64{1, 2}}
	}
	for _, erased := range []int{0, 1_000_000} {
		b.Run(fmt.Sprint("erased=", erased), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				l := ledgerWithErased(b, erased, calls)
				alone := longestCommit(b, l, "alone-", func() { time.Sleep(time.Second) })
				b.StartTimer()
				beside := longestCommit(b, l, "beside-", func() {
					n, err := Erase(b.Context(), l, noon.Add(time.Hour), noon)
					if err != nil || n != each {
						b.Errorf("%d calls erased, %v; want %d", n, err, each)
					}
					if _, err := l.Scrub(b.Context()); err != nil {
						b.Error(err)
					}
				})
				b.ReportMetric(float64(alone.Milliseconds()), "longest-commit-alone-ms")
				b.ReportMetric(float64(beside.Milliseconds()), "longest-commit-ms")
			}
		})
	}
}

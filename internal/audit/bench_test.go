package audit

import (
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// BenchmarkVerify is an audit of records without evidence: its time for each, and the most memory
// that it has at one instant.
func BenchmarkVerify(b *testing.B) {
	for _, records := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprintf("records=%d", records), func(b *testing.B) {
			l, options := ledgerOf(b, records)
			b.ResetTimer()
			for b.Loop() {
				stop := watchMemory(b)
				report, err := Verify(b.Context(), l, options)
				stop()
				if err != nil || len(report.Problems) != 0 || report.Records != records {
					b.Fatalf("%d records, %v, %v", report.Records, report.Problems, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*records), "µs/record")
		})
	}
}

// ledgerOf is a signed ledger of so many records.
func ledgerOf(b *testing.B, records int) (ledger.Store, Options) {
	b.Helper()
	dir := b.TempDir()
	l, err := ledger.Open(b.Context(), filepath.Join(dir, "ledger.db"), ledger.Exclusive)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.Close(); err != nil {
			b.Error(err)
		}
	})
	const atOnce = 1000
	arrived := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for done := 0; done < records; done += atOnce {
		var opened, ended ledger.Batch
		for i := range atOnce {
			at := arrived.Add(time.Duration(done+i) * time.Millisecond)
			call := metering.CallID(fmt.Sprint("c", done+i))
			opened.Opened = append(opened.Opened, ledger.OpenCall{Call: call, ArrivedAt: at})
			ended.Records = append(ended.Records, metering.Record{
				Record: "r-" + string(call), Version: 1, Call: call, Service: "help",
				ArrivedAt: metering.Time{Time: at}, EndedAt: metering.Time{Time: at},
				Charge: tariff.Zero(nil),
			})
		}
		for _, batch := range []*ledger.Batch{&opened, &ended} {
			if err := l.Commit(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
		}
	}
	signer, err := Signer(filepath.Join(dir, "key"), false)
	if err != nil {
		b.Fatal(err)
	}
	if _, _, err := l.SignLog(b.Context(), time.Now(), signer); err != nil {
		b.Fatal(err)
	}
	keys, err := Verifiers(filepath.Join(dir, "key"))
	if err != nil {
		b.Fatal(err)
	}
	return l, Options{Keys: keys}
}

// watchMemory reports the most memory that Go has taken from the system until stop.
func watchMemory(b *testing.B) (stop func()) {
	b.Helper()
	runtime.GC()
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		most := uint64(0)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse+m.StackInuse)
			select {
			case <-tick.C:
			case <-done:
				b.ReportMetric(float64(most)/(1<<20), "MiB")
				return
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}

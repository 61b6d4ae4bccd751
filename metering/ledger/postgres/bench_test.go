//go:build live

package postgres_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/risposta/gateway/metering/ledger"
)

// BenchmarkCommit is that of the SQLite store.
func BenchmarkCommit(b *testing.B) {
	for _, frames := range []int{1, 64, 1024} {
		b.Run(strconv.Itoa(frames), func(b *testing.B) {
			ctx := context.Background()
			l, err := ledger.Open(ctx, "postgres:"+newDatabase(b, server), ledger.Exclusive)
			if err != nil {
				b.Fatal(err)
			}
			frame := make([]byte, 300)
			open := ledger.Batch{Opened: []ledger.OpenCall{{Call: "a", Node: "pbx", ArrivedAt: noon}}}
			if err := l.Commit(ctx, &open); err != nil {
				b.Fatal(err)
			}
			batch := ledger.Batch{Node: "pbx", Watermark: noon}
			for range frames {
				batch.Evidence = append(batch.Evidence, ledger.Evidence{Call: "a", Frame: frame})
			}
			for b.Loop() {
				if err := l.Commit(ctx, &batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*frames)/b.Elapsed().Seconds(), "frames/s")
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

package gateway

import (
	"fmt"
	"path/filepath"
	"testing"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering/ledger"
)

// A start with many open calls: from the snapshot to the commit that continues them all.
func BenchmarkStart(b *testing.B) {
	const calls = 50_000
	path := filepath.Join(b.TempDir(), "ledger.db")
	open := func(during func(*pbxWorker)) {
		b.Helper()
		l, err := ledger.Open(b.Context(), path, ledger.Exclusive)
		if err != nil {
			b.Fatal(err)
		}
		during(workerOn(b, l, "pbx", zap.NewNop()))
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
	var ids []ari.ChannelID
	open(func(w *pbxWorker) {
		w.queue.Put(synced(snapshot(0)))
		for i := range calls {
			ids = append(ids, ari.ChannelID(fmt.Sprintf("c%d", i)))
			w.puts(arrives(ids[i], 1)...)
			if w.queue.Len() >= ari.QueueBatch || i == calls-1 {
				if err := w.drain(); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	for second := 10.0; b.Loop(); second++ {
		open(func(w *pbxWorker) {
			w.queue.Put(synced(snapshot(second, ids...)))
			if err := w.drain(); err != nil {
				b.Fatal(err)
			}
			if n := w.mediator.OpenCalls(); n != calls {
				b.Fatalf("%d calls are open, want %d", n, calls)
			}
		})
	}
}

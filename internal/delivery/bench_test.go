package delivery

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/delivery/file"
	"github.com/risposta/gateway/metering/delivery/postgres"
	"github.com/risposta/gateway/metering/ledger"
	_ "github.com/risposta/gateway/metering/ledger/sqlite" // the store of a plain path
)

// benchRecords is how many records are delivered at once.
const benchRecords = 20000

// benchFields are those of an invoice.
var benchFields = []string{
	"service", "caller", "arrived_at", "ended_at", "talk_ms", "billable_seconds", "currency", "gross",
	"net", "tax", "gross_change", "reasons",
}

// benchLedger is a ledger with records of usual size.
func benchLedger(b *testing.B) ledger.Store {
	b.Helper()
	l, err := ledger.Open(b.Context(), filepath.Join(b.TempDir(), "ledger.db"), ledger.Exclusive)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.Close(); err != nil {
			b.Error(err)
		}
	})
	for from := 0; from < benchRecords; from += 1000 {
		if err := l.Commit(b.Context(), usualCalls(from, from+1000)); err != nil {
			b.Fatal(err)
		}
	}
	return l
}

// usualCalls are calls with records of usual size, as they end at once.
func usualCalls(from, until int) *ledger.Batch {
	var batch ledger.Batch
	for i := from; i < until; i++ {
		r := rec(i, 1, 14)
		r.Call, r.Node = metering.CallID(fmt.Sprintf("pbx1-1795427174.%d", i)), "02:00:5e:10:00:01"
		r.Caller = "c-cbriesedgq2ds4lomeydc2zyorqxe5lton"
		r.Queues = []metering.QueueEntry{{Name: "support", JoinedAt: r.ArrivedAt, LeftAt: r.EndedAt}}
		r.Talk = []metering.Talk{{From: r.ArrivedAt, To: r.EndedAt, Ms: 9478, Operator: "PJSIP/agent1"}}
		r.Tariff, r.Policy = "standard@ecda9c6c99d8", "it@7d5b1a2c3e4f"
		r.Net, r.Tax, r.TaxPercent = r.Charge, r.Charge, "22"
		batch.Opened = append(batch.Opened, ledger.OpenCall{
			Call: r.Call, Node: r.Node, Service: r.Service, ArrivedAt: r.ArrivedAt.Time,
		})
		batch.Evidence = append(batch.Evidence, ledger.Evidence{Call: r.Call, Frame: []byte("{}")})
		batch.Records = append(batch.Records, r)
	}
	return &batch
}

// benchmark delivers all records of a ledger to a new sink, on one core of ours.
func benchmark(b *testing.B, batching Batching, open func(n int) delivery.Sink) {
	b.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	l := benchLedger(b)
	n := 0
	var used time.Duration
	for b.Loop() {
		n++
		w := &Worker{
			Name: fmt.Sprint("s", n), Sink: open(n), Batching: batching, Store: l, Observer: &quiet{},
			last: time.Unix(0, 0),
		}
		began := cpu(b)
		for more := true; more; {
			var err error
			if more, err = w.round(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
		used += cpu(b) - began
		w.Sink.Close()
		if w.cursor.Next < benchRecords {
			b.Fatalf("%d of %d are delivered", w.cursor.Next, benchRecords)
		}
	}
	b.ReportMetric(benchRecords*float64(n)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(benchRecords*float64(n)/used.Seconds(), "records/cpu-s")
}

// cpu is how long this process has computed.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchSelect(b *testing.B) delivery.Fields {
	b.Helper()
	fields, err := delivery.Select(benchFields)
	if err != nil {
		b.Fatal(err)
	}
	return fields
}

func BenchmarkDeliverFiles(b *testing.B) {
	for _, format := range []file.Format{file.CSV, file.JSON, file.Parquet} {
		b.Run(string(format), func(b *testing.B) {
			fields := benchSelect(b)
			benchmark(b, Batching{Max: 10000, Fixed: true}, func(int) delivery.Sink {
				f, err := file.Open(file.Config{Folder: b.TempDir(), Format: format, Fields: fields})
				if err != nil {
					b.Fatal(err)
				}
				return f
			})
		})
	}
}

// BenchmarkDeliverPostgres needs PostgreSQL, as `make setup` installs it.
func BenchmarkDeliverPostgres(b *testing.B) {
	ctx := context.Background()
	pg, err := lab.StartPostgres(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			b.Error(err)
		}
	})
	fields := benchSelect(b)
	benchmark(b, Batching{Max: maxBatch}, func(n int) delivery.Sink {
		d, err := postgres.Open(ctx, postgres.Config{
			DSN: pg.DSN(), Table: fmt.Sprint("calls_", n), Fields: fields,
		})
		if err != nil {
			b.Fatal(err)
		}
		return d
	})
}

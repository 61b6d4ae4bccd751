package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/sqlite"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, path string) *sqlite.Ledger {
	t.Helper()
	l, err := sqlite.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeIt(t *testing.T, l *sqlite.Ledger) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func commit(t *testing.T, l *sqlite.Ledger, b ledger.Batch) {
	t.Helper()
	if err := l.Commit(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
}

func opened(call metering.CallID) ledger.OpenCall {
	return ledger.OpenCall{Call: call, Node: "pbx", Service: "help", ArrivedAt: noon}
}

func record(call metering.CallID, service string, arrived time.Time) metering.Record {
	return metering.Record{
		Record: "r-" + string(call), Version: 1, Call: call, Service: service,
		ArrivedAt: metering.Time{Time: arrived}, EndedAt: metering.Time{Time: arrived},
	}
}

func TestWhatWasCommittedIsThereAfterReopening(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "ledger.db")
	l := open(t, path)
	commit(t, l, ledger.Batch{
		Node: "pbx", Opened: []ledger.OpenCall{opened("a"), opened("b")}, Watermark: noon,
		Evidence: []ledger.Evidence{{Call: "a", Frame: []byte("1")}, {Call: "b", Frame: []byte("2")}, {Call: "a", Frame: []byte("3")}},
		Rejects:  []ledger.Reject{{At: noon, Bytes: 7, Type: "Dial", SHA256: "00", Error: "x"}},
	})
	commit(t, l, ledger.Batch{Node: "pbx", Records: []metering.Record{record("a", "help", noon)}, Watermark: noon.Add(-time.Second)})
	closeIt(t, l)
	l = open(t, path)
	defer closeIt(t, l)
	calls, err := l.OpenCalls(ctx, "pbx")
	if err != nil || len(calls) != 1 || !reflect.DeepEqual(calls[0], opened("b")) {
		t.Errorf("open calls %+v, %v; want b", calls, err)
	}
	if sure, err := l.Watermark(ctx, "pbx"); err != nil || !sure.Equal(noon) {
		t.Errorf("sure at %s, %v; want %s: it never steps back", sure, err, noon)
	}
	if sure, err := l.Watermark(ctx, "other"); err != nil || !sure.IsZero() {
		t.Errorf("another node is sure at %s, %v; want never", sure, err)
	}
	frames, err := l.Evidence(ctx, "a")
	if err != nil || len(frames) != 2 || string(frames[0]) != "1" || string(frames[1]) != "3" {
		t.Errorf("evidence %q, %v; want 1 and 3", frames, err)
	}
	if rec, err := l.Record(ctx, "a"); err != nil || string(rec) != string(record("a", "help", noon).JSON()) {
		t.Errorf("record %s, %v", rec, err)
	}
	if _, err := l.Record(ctx, "b"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("the record of an open call: %v, want ErrNotFound", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v; want 0600", info.Mode(), err)
	}
}

func TestABatchIsKeptWholeOrNotAtAll(t *testing.T) {
	ctx := context.Background()
	l := open(t, filepath.Join(t.TempDir(), "ledger.db"))
	defer closeIt(t, l)
	for name, b := range map[string]ledger.Batch{
		"record of a call that is not open": {Records: []metering.Record{record("ghost", "help", noon)}},
		"the same call opened twice":        {Opened: []ledger.OpenCall{opened("x"), opened("x")}},
	} {
		b.Node, b.Watermark = "pbx", noon
		b.Evidence = []ledger.Evidence{{Call: "x", Frame: []byte("1")}}
		if err := l.Commit(ctx, &b); !errors.Is(err, ledger.ErrBroken) {
			t.Errorf("%s: %v, want ErrBroken", name, err)
		}
	}
	if frames, err := l.Evidence(ctx, "x"); err != nil || len(frames) != 0 {
		t.Errorf("evidence %q, %v of batches that failed; want none", frames, err)
	}
	if sure, err := l.Watermark(ctx, "pbx"); err != nil || !sure.IsZero() {
		t.Errorf("sure at %s, %v; want never", sure, err)
	}
	commit(t, l, ledger.Batch{Opened: []ledger.OpenCall{opened("x")}})
	commit(t, l, ledger.Batch{Records: []metering.Record{record("x", "help", noon)}})
	again := ledger.Batch{Opened: []ledger.OpenCall{opened("x")}, Records: []metering.Record{record("x", "help", noon)}}
	if err := l.Commit(ctx, &again); err == nil {
		t.Error("a second record of the same call and version was committed")
	}
}

// A commit may be kept and reported failed: the disk fails between the two. Trying it again must not keep it twice.
func TestABatchThatIsTriedAgainIsKeptOnce(t *testing.T) {
	ctx := context.Background()
	l := open(t, filepath.Join(t.TempDir(), "ledger.db"))
	defer closeIt(t, l)
	b := ledger.Batch{ID: "life-1", Node: "pbx", Opened: []ledger.OpenCall{opened("x")}, Evidence: []ledger.Evidence{{Call: "x", Frame: []byte("1")}}}
	commit(t, l, b)
	commit(t, l, b)
	b.ID, b.Opened, b.Evidence = "life-2", nil, []ledger.Evidence{{Call: "x", Frame: []byte("2")}}
	commit(t, l, b)
	commit(t, l, b)
	if frames, err := l.Evidence(ctx, "x"); err != nil || len(frames) != 2 {
		t.Errorf("evidence %q, %v; want each batch's once", frames, err)
	}
}

func TestRecordsAreSelectedByArrivalAndService(t *testing.T) {
	ctx := context.Background()
	l := open(t, filepath.Join(t.TempDir(), "ledger.db"))
	defer closeIt(t, l)
	for i, call := range []metering.CallID{"a", "b", "c"} {
		service := map[bool]string{true: "help", false: "sales"}[call != "b"]
		commit(t, l, ledger.Batch{Opened: []ledger.OpenCall{opened(call)}})
		// Records come in the order of the calls' ends; they are read in the order of arrival.
		commit(t, l, ledger.Batch{Records: []metering.Record{record(call, service, noon.Add(-time.Duration(i)*time.Hour))}})
	}
	for _, c := range []struct {
		q    ledger.Query
		want string
	}{
		{ledger.Query{}, "cba"},
		{ledger.Query{Since: noon.Add(-time.Hour)}, "ba"},
		{ledger.Query{Until: noon}, "cb"},
		{ledger.Query{Service: "help"}, "ca"},
		{ledger.Query{Since: noon.Add(time.Second)}, ""},
	} {
		got := ""
		err := l.Records(ctx, c.q, func(rec []byte) error {
			got += string(rec[len(`{"record":"r-`)])
			return nil
		})
		if err != nil || got != c.want {
			t.Errorf("%+v: %q, %v; want %q", c.q, got, err, c.want)
		}
	}
	stop := errors.New("enough")
	if err := l.Records(ctx, ledger.Query{}, func([]byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the reader's own error came back as %v", err)
	}
}

func TestOneWriterManyReaders(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "ledger.db")
	if _, err := sqlite.OpenReader(ctx, path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading a ledger that is not there: %v", err)
	}
	l := open(t, path)
	defer closeIt(t, l)
	if _, err := sqlite.Open(ctx, path); !errors.Is(err, sqlite.ErrLocked) {
		t.Errorf("a second writer: %v, want ErrLocked", err)
	}
	commit(t, l, ledger.Batch{Opened: []ledger.OpenCall{opened("a")}, Evidence: []ledger.Evidence{{Call: "a", Frame: []byte("1")}}})
	r, err := sqlite.OpenReader(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer closeIt(t, r)
	commit(t, l, ledger.Batch{Evidence: []ledger.Evidence{{Call: "a", Frame: []byte("2")}}})
	if frames, err := r.Evidence(ctx, "a"); err != nil || len(frames) != 2 {
		t.Errorf("a reader beside the writer sees %q, %v; want both frames", frames, err)
	}
	if err := r.Commit(ctx, &ledger.Batch{Node: "pbx", Watermark: noon}); err == nil {
		t.Error("a reader could write")
	}
}

func BenchmarkCommit(b *testing.B) {
	for _, frames := range []int{1, 64, 1024} {
		b.Run(map[int]string{1: "1", 64: "64", 1024: "1024"}[frames], func(b *testing.B) {
			l, err := sqlite.Open(context.Background(), filepath.Join(b.TempDir(), "ledger.db"))
			if err != nil {
				b.Fatal(err)
			}
			frame := make([]byte, 300)
			batch := ledger.Batch{Node: "pbx", Watermark: noon}
			for range frames {
				batch.Evidence = append(batch.Evidence, ledger.Evidence{Call: "a", Frame: frame})
			}
			for b.Loop() {
				if err := l.Commit(context.Background(), &batch); err != nil {
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

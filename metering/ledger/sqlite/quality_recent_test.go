package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
	"github.com/risposta/gateway/metering/tariff"
)

// A record whose commit fails at its very end was counted in memory; the ledger does not have it, and
// so the counts do not.
func TestARecordThatIsNotCommittedIsNotCounted(t *testing.T) {
	ctx := t.Context()
	opened, err := ledger.Open(ctx, filepath.Join(t.TempDir(), "ledger.db"), ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	l := opened.(*store)
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	commit := func(call metering.CallID) error {
		at := metering.Time{Time: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
		return l.Commit(ctx, &ledger.Batch{
			Opened:   []ledger.OpenCall{{Call: call}},
			Evidence: []ledger.Evidence{{Call: call, Frame: []byte("1")}},
			Records: []metering.Record{{
				Record: "r-" + string(call), Version: 1, Call: call, Service: "help", ArrivedAt: at, EndedAt: at,
				Outcome: metering.Unanswered, Reasons: []metering.Reason{metering.ReasonNoTalk},
				Charge: tariff.Amount{Currency: "EUR", Digits: 2},
			}},
		})
	}
	change := func(statement string) {
		t.Helper()
		err := l.write.transact(ctx, func(tx txn) error {
			_, err := tx.ExecContext(ctx, statement)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := commit("first"); err != nil {
		t.Fatal(err)
	}
	change(`CREATE TABLE absent (id INTEGER PRIMARY KEY)`)
	change(`CREATE TABLE refused (id INTEGER REFERENCES absent (id) DEFERRABLE INITIALLY DEFERRED)`)
	change(`CREATE TRIGGER refuse AFTER INSERT ON record BEGIN INSERT INTO refused VALUES (1); END`)
	if err := commit("second"); err == nil {
		t.Fatal("the commit was not refused")
	}
	change(`DROP TRIGGER refuse`)
	err = l.change(ctx, func(tx txn) error { return addUp(ctx, tx, &l.recent, nil) })
	if err != nil {
		t.Fatal(err)
	}
	if n := offered(t, l); n != 1 {
		t.Errorf("%d calls are counted, want the 1 that was committed", n)
	}
	if err := commit("third"); err != nil {
		t.Fatal(err)
	}
	if n := offered(t, l); n != 2 {
		t.Errorf("with one more %d calls are counted, want 2", n)
	}
}

// offered is how many calls are counted.
func offered(t *testing.T, l *store) (n int64) {
	t.Helper()
	var always time.Time
	err := l.Quality(t.Context(), always, always, "", func(row quality.Row) error {
		if row.Level() == quality.LevelService {
			n += row.Offered
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

//go:build live

package integration

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/integration/lab"
	"github.com/risposta/gateway/metering"
	records "github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/delivery/postgres"
	"github.com/risposta/gateway/metering/ledger"
)

// change is the event of a version, or of its erasure.
func change(t *testing.T, r metering.Record, erasure bool) records.Event {
	t.Helper()
	if erasure {
		r = r.Erased("e-x")
	}
	e, err := records.NewEvent(ledger.Change{JSON: r.JSON(), Erasure: erasure})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// On a real PostgreSQL a later version replaces an earlier one and never the reverse, in whatever order
// and however often they come; an erased version does not come back; a row that breaks a constraint is
// refused alone; and what may pass is no refusal.
func TestLivePostgreSQLKeepsTheNewestVersion(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), liveTimeout)
	defer cancel()
	pg, err := lab.StartPostgres(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	conn, err := pgx.Connect(ctx, pg.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, func() error { return conn.Close(ctx) })
	fields, err := records.Select([]string{"caller", "gross"})
	if err != nil {
		t.Fatal(err)
	}
	open := func(c postgres.Config) *postgres.Database {
		c.DSN, c.Fields = pg.DSN(), fields
		d, err := postgres.Open(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(d.Close)
		return d
	}
	table := open(postgres.Config{Table: "calls"})
	first, second := delivered(3, 1), delivered(3, 2)
	first.Caller, second.Caller, second.Charge.Minor = "c-1", "c-1", 0
	row := func() (version int64, gross, caller string) {
		err := conn.QueryRow(ctx, `SELECT version, gross::text, coalesce(caller, '-') FROM calls`).
			Scan(&version, &gross, &caller)
		if err != nil {
			t.Fatal(err)
		}
		return version, gross, caller
	}
	for _, c := range []struct {
		name    string
		events  []records.Event
		version int64
		gross   string
		caller  string
	}{
		{"first", []records.Event{change(t, first, false)}, 1, "0.14", "c-1"},
		{"second", []records.Event{change(t, second, false)}, 2, "0.00", "c-1"},
		{"the first again", []records.Event{change(t, first, false)}, 2, "0.00", "c-1"},
		{"both, reversed", []records.Event{change(t, second, false), change(t, first, false)}, 2, "0.00", "c-1"},
		{"erased", []records.Event{change(t, first, true), change(t, second, true)}, 2, "0.00", "-"},
		{"a late repeat", []records.Event{change(t, second, false)}, 2, "0.00", "-"},
	} {
		done, refused, err := table.Deliver(ctx, records.Batch{Events: c.events})
		if err != nil || done != len(c.events) || refused != nil {
			t.Fatalf("%s: %d, %v, %v", c.name, done, refused, err)
		}
		if version, gross, caller := row(); version != c.version || gross != c.gross || caller != c.caller {
			t.Errorf("%s: version %d, %s, %s", c.name, version, gross, caller)
		}
	}
	query := open(postgres.Config{Query: `INSERT INTO theirs VALUES (@record, @gross::numeric)`})
	few := records.Batch{Events: []records.Event{
		change(t, delivered(3, 1), false), change(t, delivered(6, 1), false), change(t, delivered(9, 1), false),
	}}
	if done, refused, err := query.Deliver(ctx, few); err == nil || done != 0 || refused != nil ||
		!strings.Contains(err.Error(), "42P01") {
		t.Errorf("a table that is missing: %d, %v, %v", done, refused, err)
	}
	few.Events[1].Record.Charge.Minor = 99
	const theirs = `CREATE TABLE theirs (record text, amount numeric CONSTRAINT small CHECK (amount < 0.5))`
	if _, err := conn.Exec(ctx, theirs); err != nil {
		t.Fatal(err)
	}
	done, refused, err := query.Deliver(ctx, few)
	if err != nil || done != 3 || len(refused) != 1 || refused[0].Index != 1 ||
		!strings.Contains(refused[0].Why, "constraint small") {
		t.Errorf("a row that breaks a constraint: %d, %v, %v", done, refused, err)
	}
	var rows int
	if err := conn.QueryRow(ctx, `SELECT count(*) FROM theirs`).Scan(&rows); err != nil || rows != 2 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

//go:build live

package integration

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/integration/lab"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/exemption/sql"
)

var _ exemption.Lookup = (*sql.Database)(nil)

const exemptTable = `
CREATE TABLE exempt
	(number text, valid_from timestamptz, valid_until timestamptz, ref text, why text);
INSERT INTO exempt VALUES
	('+390612345678', '2026-01-01', '2026-07-01', 'e-1', 'unemployed'),
	('+390612345679', '2026-01-01', NULL, 'e-2', 'disabled'),
	('+390612345680', '2026-01-01', NULL, 'e-3', 'twice'),
	('+390612345680', '2026-02-01', NULL, 'e-4', 'twice');`

const query = `SELECT true, ref, valid_until FROM exempt WHERE number = $1 ` +
	`AND valid_from <= $2 AND (valid_until IS NULL OR valid_until > $2)`

// sqlCases are queries with the answer, or the error, that they must give.
var sqlCases = []struct{ query, number, at, want, ref, until, err string }{
	{query, "+390612345678", "2026-06-30", "yes", "e-1", "2026-07-01", ""},
	{query, "+390612345678", "2026-07-01", "no", "", "", ""},
	{query, "+390612345679", "2026-11-24", "yes", "e-2", "", ""},
	{query, "+390612345000", "2026-11-24", "no", "", "", ""},
	{"SELECT NULL::boolean WHERE $1::text <> '' AND $2::timestamptz IS NOT NULL",
		"+390612345678", "2026-11-24", "unknown", "", "", ""},
	{query, "+390612345680", "2026-11-24", "", "", "", "more than one row"},
	{"SELECT 1, 2, 3, 4 WHERE $1::text <> '' AND $2::timestamptz IS NOT NULL", "+390612345678",
		"2026-11-24", "", "", "", "4 columns"},
	{"SELECT why FROM exempt WHERE number = $1 AND $2::timestamptz IS NOT NULL",
		"+390612345678", "2026-11-24", "", "", "", "are not boolean"},
	{"SELECT $1::text::int > 0 WHERE $2::timestamptz IS NOT NULL", "+39061234567800",
		"2026-11-24", "", "", "", "SQLSTATE"},
	// The connection is read only.
	{"DELETE FROM exempt WHERE number = $1 AND $2::timestamptz IS NOT NULL RETURNING true",
		"+390612345678", "2026-11-24", "", "", "", "SQLSTATE 25006"},
}

// A query on a real PostgreSQL answers yes or no as of an instant, and its errors contain no
// personal data.
func TestLiveExemptionFromPostgreSQL(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), liveTimeout)
	defer cancel()
	pg, err := lab.StartPostgres(ctx)
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			if err := pg.Stop(); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	conn, err := pgx.Connect(ctx, pg.DSN())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, exemptTable); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(ctx); err != nil {
		t.Fatal(err)
	}
	ask := func(query, number, at string) (exemption.Answer, error) {
		t.Helper()
		db, err := sql.Open(ctx, pg.DSN(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		instant, err := time.Parse(time.DateOnly, at)
		if err != nil {
			t.Fatal(err)
		}
		qctx, cancel := context.WithTimeout(ctx, 5*second)
		defer cancel()
		return db.Exempt(qctx, metering.NewNumber(number), instant)
	}
	for _, c := range sqlCases {
		got, err := ask(c.query, c.number, c.at)
		until := ""
		if !got.Until.IsZero() {
			until = got.Until.Format(time.DateOnly)
		}
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) ||
				strings.Contains(err.Error(), "612345") ||
				strings.Contains(err.Error(), "unemployed") {
				t.Errorf("%s: %v, want %q without personal data", c.query, err, c.err)
			}
		case err != nil || got.Verdict.String() != c.want || got.Ref != c.ref || until != c.until:
			t.Errorf("%s on %s: %s %q until %q, %v; want %+v", c.number, c.at, got.Verdict, got.Ref,
				until, err, c)
		}
	}
	wantCheck(ctx, t, pg.DSN(), 0, "exemption: all exemption lookups responded")
	stop()
	wantCheck(ctx, t, pg.DSN(), 1, "exemption: lookup sql: asking the exemption database")
	if _, err := ask(query, "+390612345678", "2026-06-30"); err == nil ||
		strings.Contains(err.Error(), "612345") {
		t.Errorf("a stopped database: %v", err)
	}
	if _, err := sql.Open(ctx, "host=a password=hunter22 port=x", query); err == nil ||
		strings.Contains(err.Error(), "hunter22") {
		t.Errorf("an invalid connection string: %v", err)
	}
}

// wantCheck runs `risposta check` with a configuration that asks the database, and checks its exit
// status and output.
func wantCheck(ctx context.Context, t *testing.T, dsn string, code int, want string) {
	t.Helper()
	config := strings.Replace(exemptionConfig,
		`http: {url: "http://127.0.0.1:SERVER/exempt"}`, "sql: {query: \""+query+"\"}", 1) +
		"services: [{number: \"1001\", context: from-trunk}]\n"
	gw, err := lab.NewGateway(gatewayBinary, t.TempDir(), "http://127.0.0.1:1/ari", config)
	if err != nil {
		t.Fatal(err)
	}
	gw.Setenv("RISPOSTA_EXEMPTION_SQL_DSN", dsn)
	out, got, err := gw.Command(ctx, "check", "--offline")
	if err != nil || got != code || !strings.Contains(out, want) {
		t.Errorf("check: exit %d, %v, want %d and %q:\n%s", got, err, code, want, out)
	}
}

//go:build live

package integration

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/risposta/gateway/integration/lab"
	_ "modernc.org/sqlite" // the ledger, by SQL of the test's own
)

// ledgerSums are worked out by SQL on the ledger's file, over the newest version of each call, in minor
// units.
const ledgerSums = `
SELECT json_extract(json, '$.charge.currency'), count(*),
	sum(CAST(replace(json_extract(json, '$.charge.amount'), '.', '') AS INTEGER))
FROM record r WHERE NOT EXISTS (
	SELECT 1 FROM record n WHERE n.call = r.call AND n.version > r.version)
GROUP BY 1 ORDER BY 1`

// tableSums are worked out by SQL on the table that was delivered. The exact decimals and the minor
// units must agree.
const tableSums = `
SELECT currency, count(*), sum(gross_minor)::bigint,
	(sum(gross) * CASE currency WHEN 'JPY' THEN 1 WHEN 'KWD' THEN 1000 ELSE 100 END)::bigint
FROM risposta_calls GROUP BY currency ORDER BY currency`

// sumsOfLedger are a line for each currency.
func sumsOfLedger(ctx context.Context, t *testing.T, file string) (lines []string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, db.Close)
	rows, err := db.QueryContext(ctx, ledgerSums)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}()
	for rows.Next() {
		var currency string
		var calls, minor int64
		if err := rows.Scan(&currency, &calls, &minor); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s: %d calls, %d", currency, calls, minor))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// wantSums compares the sums of the table with those of the ledger, to the last minor unit. The ledger
// may still get versions, which the table gets after it.
func wantSums(ctx context.Context, t *testing.T, conn *pgx.Conn, ledgerFile string) {
	t.Helper()
	var lines []string
	err := lab.Until(ctx, 2*time.Minute, "the sums of table and ledger to agree", func() (err error) {
		if lines, err = sumsOfTable(ctx, conn); err != nil {
			return err
		}
		want := sumsOfLedger(ctx, t, ledgerFile)
		if !slices.Equal(lines, want) || len(lines) == 0 {
			err = fmt.Errorf("the table has\n%s\nthe ledger\n%s", strings.Join(lines, "\n"),
				strings.Join(want, "\n"))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	t.Logf("sums of table and ledger: %s", strings.Join(lines, "; "))
}

// sumsOfTable are a line for each currency.
func sumsOfTable(ctx context.Context, conn *pgx.Conn) (lines []string, err error) {
	rows, err := conn.Query(ctx, tableSums)
	if err != nil {
		return nil, err
	}
	var currency string
	var calls, minor, exact int64
	_, err = pgx.ForEachRow(rows, []any{&currency, &calls, &minor, &exact}, func() error {
		if minor != exact {
			return fmt.Errorf("%s: the exact amounts give %d, the minor units %d", currency, exact, minor)
		}
		lines = append(lines, fmt.Sprintf("%s: %d calls, %d", currency, calls, minor))
		return nil
	})
	return lines, err
}

// wantChanges compares the changes that the company's own query has added up with the ledger.
func wantChanges(ctx context.Context, t *testing.T, conn *pgx.Conn, ledgerFile string) {
	t.Helper()
	var want int64
	for _, line := range sumsOfLedger(ctx, t, ledgerFile) {
		var currency string
		var calls, minor int64
		if _, err := fmt.Sscanf(line, "%s %d calls, %d", &currency, &calls, &minor); err != nil {
			t.Fatal(err)
		}
		want += minor
	}
	var got int64
	err := lab.Until(ctx, time.Minute, "the changes to add up", func() error {
		err := conn.QueryRow(ctx, `SELECT coalesce(sum(change), 0)::bigint FROM theirs`).Scan(&got)
		if err == nil && got != want {
			err = fmt.Errorf("they are %d, want %d", got, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// countRecords counts versions in the ledger's file by SQL.
func countRecords(ctx context.Context, t *testing.T, file, where string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, db.Close)
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM record WHERE `+where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// closing closes what a test has opened.
func closing(t *testing.T, end func() error) {
	t.Helper()
	if err := end(); err != nil {
		t.Error(err)
	}
}

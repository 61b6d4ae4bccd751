package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering/ledger"
)

// However many records there are, and have one instant, a page begins where the last one ended.
func TestAPageOfRecordsBeginsAtItsPlace(t *testing.T) {
	opened, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	l := opened.(*store)
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	rows, err := l.read.Query(`EXPLAIN QUERY PLAN `+pageQuery, 0, 0, "", 1, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(detail + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"record_arrived (arrived_at=? AND seq>? AND seq<?)", "record_arrived (arrived_at>? AND arrived_at<?)",
	} {
		if !strings.Contains(plan.String(), want) {
			t.Errorf("the plan lacks %q:\n%s", want, &plan)
		}
	}
	if text := plan.String(); strings.Contains(text, "TEMP B-TREE") || strings.Contains(text, "SCAN record") {
		t.Errorf("the plan reads more than a page:\n%s", text)
	}
}

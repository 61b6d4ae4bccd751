//go:build live

package postgres_test

import (
	"testing"
	"time"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
)

// rows are how many calls each row of the counts has.
func rows(t *testing.T, l ledger.QualityReader) (offered []int64) {
	t.Helper()
	var never time.Time
	err := l.Quality(t.Context(), never, never, "", func(row quality.Row) error {
		offered = append(offered, row.Offered)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return offered
}

package mediation_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/recordtest"
	"github.com/risposta/gateway/metering/tariff"
)

// The records of every recorded call match docs/record.schema.json.
func TestRecordingsMatchTheRecordSchema(t *testing.T) {
	paths, err := filepath.Glob(traces + "/*/ari.jsonl")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	price := tariff.Tariff{
		Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR",
	}
	total := 0
	for _, path := range paths {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close() //nolint:errcheck // it was only read
			var records []metering.Record
			var warnings []string
			r := recording(t, &records, &warnings)
			r.Rules.Terms = func(string, time.Time) metering.Terms {
				return metering.Terms{Tariff: &price}
			}
			if _, err := r.Replay(context.Background(), file); err != nil {
				t.Fatal(err)
			}
			for _, rec := range records {
				recordtest.Validate(t, rec.JSON())
			}
			total += len(records)
		})
	}
	if total < len(paths) {
		t.Errorf("%d recordings have %d records", len(paths), total)
	}
}

package judge_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/judge"
)

// The totals were computed by hand from each recording's cel.csv; see
// docs/decisions/0004-recorded-calls.md.
func TestTruthOfTheRecordedCalls(t *testing.T) {
	for name, want := range map[string]time.Duration{
		"answered": 5495, "early-media": 6006, "local-member": 6489, "announced": 8007,
		"hold-transfer": 9478, "abandoned": 0,
	} {
		t.Run(name, func(t *testing.T) {
			cel, err := os.ReadFile(filepath.Join("../testdata/traces", name, "cel.csv"))
			if err != nil {
				t.Fatal(err)
			}
			ids, err := judge.Calls(string(cel), "+390612345678")
			if err != nil || len(ids) != 1 {
				t.Fatalf("calls %v, %v; want one", ids, err)
			}
			talks, err := judge.Truth(string(cel), ids[0], "PJSIP/agent*")
			if err != nil {
				t.Fatal(err)
			}
			if got, want := judge.Sum(talks),
				want*time.Millisecond; (got - want).Abs() > 5*time.Millisecond {
				t.Errorf("talk %s, want %s within 5ms: %v", got, want, talks)
			}
		})
	}
}

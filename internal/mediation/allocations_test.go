//go:build !race

package mediation_test

import (
	"bytes"
	"testing"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
)

// With the race detector sync.Pool drops what it is given, at random.

// A frame of a whole call, read and metered, costs few allocations: a busy PBX sends 80 frames a call.
func TestAnEventCostsFewAllocations(t *testing.T) {
	const most = 3.0
	frames := bytes.Split(bytes.TrimSpace(readTrace(t, "early-media")), []byte("\n"))
	m := mediation.New(traceRules(t))
	perCall := testing.AllocsPerRun(20, func() {
		var out mediation.Output
		for _, raw := range frames {
			f := ari.Frame{Raw: raw}
			if bad := f.Read(); bad != nil {
				t.Fatal(bad)
			}
			m.Feed(f, &out)
		}
	})
	if got := perCall / float64(len(frames)); got > most {
		t.Errorf("%.1f allocations an event, want at most %v", got, most)
	}
}

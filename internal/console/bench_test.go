package console

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/live"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/quality"
)

// A page of 1,000 calls: what is made every two seconds for each language that somebody looks at, and
// how much is sent, at most, to each who does.
func BenchmarkPage(b *testing.B) {
	s := live.State{
		At: noon, Terms: quality.DefaultTerms(), PBXs: []live.PBX{{Name: "pbx1", Watermark: noon}},
	}
	for i := range 1000 {
		state := metering.State(i % 4)
		s.PBXs[0].Calls = append(s.PBXs[0].Calls, metering.Call{
			ID: metering.CallID(fmt.Sprintf("pbx1-1795427174.%d", i)), Service: "help", Caller: caller,
			ArrivedAt: noon.Add(-time.Minute),
			Segments: []metering.Segment{{
				State: state, From: noon.Add(-time.Duration(i) * time.Second),
				Operator: fmt.Sprint("PJSIP/agent", i),
			}},
		})
	}
	v := live.New(s)
	bytes := 0
	b.ReportAllocs()
	for b.Loop() {
		sections, err := renderSections(english, v)
		if err != nil {
			b.Fatal(err)
		}
		bytes = 0
		for _, part := range sections {
			bytes += len(part.HTML)
		}
	}
	b.ReportMetric(float64(bytes), "bytes")
}

// While nobody looks there is nothing to do; and one who looks at a view that is made already costs a
// lock.
func BenchmarkLookAgain(b *testing.B) {
	c := New(func(context.Context) (live.View, error) { return view(), nil }, &books{}, nil)
	c.now = func() time.Time { return noon }
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.sections(b.Context(), english); err != nil {
			b.Fatal(err)
		}
	}
}

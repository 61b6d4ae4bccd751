package mediation_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
)

// recorded is a recording, frame by frame.
func recorded(b *testing.B, name string) [][]byte {
	b.Helper()
	return bytes.Split(bytes.TrimSpace(readTrace(b, name)), []byte("\n"))
}

// renamed gives a frame ids of its own, so that many copies of a call can be open at once.
func renamed(frame []byte, n int) []byte {
	ids := []string{
		"1795427174.114", "1795427175.119", "1795427182.135", "b9c7a00e", "2f79fe4c",
	}
	for _, id := range ids {
		frame = bytes.ReplaceAll(frame, []byte(id), fmt.Appendf(nil, "%s-%d", id, n))
	}
	return frame
}

// Frames of whole calls go through decode, talkpath, evidence and meter, on one core, while so many
// other calls are open.
func BenchmarkFeed(b *testing.B) {
	frames := recorded(b, "hold-transfer")
	for _, open := range []int{0, 1000, 50000} {
		b.Run(fmt.Sprintf("open=%d", open), func(b *testing.B) {
			m := mediation.New(traceRules(b))
			var out mediation.Output
			before := heap()
			for n := range open {
				for _, f := range frames[:60] { // up to the talk
					m.Feed(ari.Frame{Raw: renamed(f, n)}, &out)
				}
				out = mediation.Output{}
			}
			perCall := 0.0
			if open > 0 {
				perCall = float64(heap()-before) / float64(open)
			}
			const copies = 64
			var ready [copies][][]byte
			for n := range ready {
				for _, f := range frames {
					ready[n] = append(ready[n], renamed(f, open+n))
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			i := 0
			for range b.N {
				m.Feed(ari.Frame{Raw: ready[i/len(frames)%copies][i%len(frames)]}, &out)
				if i++; i%len(frames) == 0 {
					out = mediation.Output{}
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(perCall, "B/call")
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

package mediation_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
)

// recorded is a recording, frame by frame; renamed gives one its own ids, so that many can live at once.
func recorded(b *testing.B, name string) [][]byte {
	b.Helper()
	return bytes.Split(bytes.TrimSpace(readTrace(b, name)), []byte("\n"))
}

func renamed(frame []byte, n int) []byte {
	for _, id := range []string{"1795427174.114", "1795427175.119", "1795427182.135", "b9c7a00e", "2f79fe4c"} {
		frame = bytes.ReplaceAll(frame, []byte(id), fmt.Appendf(nil, "%s-%d", id, n))
	}
	return frame
}

// Frames of whole calls through decode, talkpath, evidence and meter, on one core, while so many other calls live.
func BenchmarkFeed(b *testing.B) {
	frames := recorded(b, "hold-transfer")
	for _, live := range []int{0, 1000, 50000} {
		b.Run(fmt.Sprintf("live=%d", live), func(b *testing.B) {
			p := mediation.New(traceRules(b))
			var out mediation.Output
			before := heap()
			for n := range live {
				for _, f := range frames[:60] { // up to the talk
					p.Feed(ari.Frame{Raw: renamed(f, n)}, &out)
				}
				out = mediation.Output{}
			}
			perCall := 0.0
			if live > 0 {
				perCall = float64(heap()-before) / float64(live)
			}
			const copies = 64
			var ready [copies][][]byte
			for n := range ready {
				for _, f := range frames {
					ready[n] = append(ready[n], renamed(f, live+n))
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			i := 0
			for range b.N {
				p.Feed(ari.Frame{Raw: ready[i/len(frames)%copies][i%len(frames)]}, &out)
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
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

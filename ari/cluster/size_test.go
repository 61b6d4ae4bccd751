package cluster_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
)

// BenchmarkMessage encodes all recorded frames in batches, and reports how many bytes of the stream a
// frame takes. What a tap with an event filter does not get is in the recordings, too.
func BenchmarkMessage(b *testing.B) {
	traces, err := filepath.Glob("../../integration/testdata/traces/*/ari.jsonl")
	if err != nil || len(traces) == 0 {
		b.Fatalf("no recordings: %v", err)
	}
	var frames []ari.Frame
	for _, path := range traces {
		text, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			frames = append(frames, ari.Frame{Raw: bytes.TrimSpace(line), Arrived: 1})
		}
	}
	for _, size := range []int{1, 8, 64, 512} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var sent, n int
			for b.Loop() {
				from := n % (len(frames) - size)
				m, err := cluster.Batch{
					Node: "02:00:00:00:00:01", First: cluster.Place{Run: 1, Sequence: 1},
					Frames: frames[from : from+size],
				}.Message()
				if err != nil {
					b.Fatal(err)
				}
				sent += len(m.Encode())
				n += size
			}
			b.ReportMetric(float64(sent)/float64(n), "bytes/frame")
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "frames/s")
		})
	}
}

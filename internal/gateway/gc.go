package gateway

import (
	"context"
	"os"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"time"
)

// What a gateway holds of its open calls is small beside what a busy one throws away, and Go collects
// garbage each time that as much of it has come as is in use: at 1,000 calls a second that was a
// twelfth of the CPU. A bounded amount of memory is given for fewer collections. GOGC, if the operator
// has set it, counts instead; GOMEMLIMIT holds beside it.
const (
	maxGarbage   = 128 << 20 // bytes, while less than that is in use; beyond it, as much as is in use
	maxGCPercent = 400
	minGCPercent = 100 // Go's own
	tuneGCEvery  = 10 * time.Second
)

// liveHeap is the metric of what the last collection has left, in bytes.
const liveHeap = "/gc/heap/live:bytes"

// gcPercent is how much garbage may come before it is collected, in percent of what is in use.
func gcPercent(inUse uint64) int {
	percent := uint64(maxGCPercent)
	if inUse > 0 {
		percent = min(percent, maxGarbage*100/inUse)
	}
	return int(max(percent, minGCPercent))
}

// tuneGC keeps the garbage collector at gcPercent until ctx ends.
func tuneGC(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := gcPercent(0)
	former := debug.SetGCPercent(percent)
	defer debug.SetGCPercent(former)
	sample := []runtimemetrics.Sample{{Name: liveHeap}}
	ticker := time.NewTicker(tuneGCEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		runtimemetrics.Read(sample)
		if next := gcPercent(sample[0].Value.Uint64()); next != percent { // setting it stops all goroutines
			percent = next
			debug.SetGCPercent(percent)
		}
	}
}

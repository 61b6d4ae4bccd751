package quality

import "math"

// bucket i holds waits from floor to ceiling, in whole milliseconds. The last has no ceiling.
func floorMs(i int) int64 {
	if i == 0 {
		return 0
	}
	return Borders[i-1]*1000 + 1
}

func ceilingMs(i int) int64 {
	if i == len(Borders) {
		return math.MaxInt64
	}
	return Borders[i] * 1000
}

// Percentile bounds the wait that percent of the waits do not exceed (nearest rank), in
// milliseconds. Which bucket it lies in is exact; where in the bucket, only the bucket's borders
// and its sum tell. The histogram must not be empty.
func (h Histogram) Percentile(percent int64) (lowMs, highMs int64) {
	rank := ceilDiv(percent*h.Count(), 100)
	i := 0
	for ; rank > h.Calls[i]; i++ {
		rank -= h.Calls[i]
	}
	n, sumMs, floor, ceiling := h.Calls[i], h.Ms[i], floorMs(i), ceilingMs(i)
	// The waits from this rank up are no shorter than it, those below no shorter than the floor.
	highMs = min(ceiling, (sumMs-(rank-1)*floor)/(n-rank+1))
	lowMs = floor
	if i < len(Borders) { // the waits up to this rank are no longer than it
		lowMs = max(floor, ceilDiv(sumMs-(n-rank)*ceiling, rank))
	}
	return lowMs, highMs
}

// BestSum bounds the sum of the shortest percent of the waits, in milliseconds, and says how many
// those are: a part of a wait counts as a whole one. Only the last of their buckets is uncertain.
func (h Histogram) BestSum(percent int64) (lowMs, highMs, n int64) {
	n = ceilDiv(percent*h.Count(), 100)
	rest := n
	for i, calls := range h.Calls {
		if rest == 0 {
			break
		}
		if calls <= rest {
			rest -= calls
			lowMs += h.Ms[i]
			highMs += h.Ms[i]
			continue
		}
		low := rest * floorMs(i)
		if i < len(Borders) { // the longer ones of the bucket are no longer than the ceiling
			low = max(low, h.Ms[i]-(calls-rest)*ceilingMs(i))
		}
		lowMs += low
		// The shorter ones are on average no longer than the bucket's mean.
		highMs += min(rest*h.Ms[i]/calls, h.Ms[i]-(calls-rest)*floorMs(i))
		rest = 0
	}
	return lowMs, highMs, n
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }

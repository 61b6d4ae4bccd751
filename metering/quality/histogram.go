package quality

import "slices"

// Borders are the upper borders of the buckets of a [Histogram], in seconds. A wait of exactly a
// border is within it. The last bucket has no border.
var Borders = [...]int64{5, 10, 20, 30, 60, 120, 150, 180, 300}

const buckets = len(Borders) + 1

// Histogram counts waits by how long they were, with the exact sum of each bucket.
type Histogram struct {
	Calls [buckets]int64 `json:"calls"`
	Ms    [buckets]int64 `json:"ms"`
}

func (h *Histogram) observe(ms int64) {
	i, _ := slices.BinarySearchFunc(Borders[:], ms, func(border, ms int64) int {
		if border*1000 < ms {
			return -1
		}
		return 1
	})
	h.Calls[i]++
	h.Ms[i] += ms
}

// Count is the number of waits.
func (h Histogram) Count() int64 { return sum(h.Calls[:]) }

// SumMs is the exact sum of the waits.
func (h Histogram) SumMs() int64 { return sum(h.Ms[:]) }

// Within is the exact number of waits of at most so many seconds, which must be one of [Borders].
func (h Histogram) Within(seconds int64) int64 {
	i := slices.Index(Borders[:], seconds)
	if i < 0 {
		panic("quality: the histogram has no such border")
	}
	return sum(h.Calls[:i+1])
}

func sum(ns []int64) (total int64) {
	for _, n := range ns {
		total += n
	}
	return total
}

package remeasure

import (
	"math"

	"github.com/risposta/gateway/metering/quality"
)

// Allowed is the largest error of a measurement that an audit may find, as a share (Ley 10/2025
// art. 22).
const Allowed = 0.05

// Difference is one indicator by the ledger and by the logs.
type Difference struct {
	Indicator quality.Indicator
	Ledger    quality.Value
	Logs      Figure
	// Error is how far the ledger's value is from that of the logs, as a share of the latter. Bounds
	// that have it between them are not far from it. It is infinite where only one of the two has
	// anything.
	Error float64
}

// TooFar reports whether the error is more than what an audit allows.
func (d Difference) TooFar() bool { return d.Error > Allowed }

// Compare compares the figures of the logs with what the counts of the same calls give, in the order
// of a report. Indicators that the logs do not tell are left out.
func Compare(c quality.Counts, t quality.Terms, figures map[string]Figure) []Difference {
	var all []Difference
	for _, i := range quality.Indicators() {
		f, told := figures[i.Name]
		if !told {
			continue
		}
		d := Difference{Indicator: i, Ledger: i.Measure(c, t), Logs: f}
		d.Error = distance(d.Ledger, f)
		all = append(all, d)
	}
	return all
}

func distance(v quality.Value, f Figure) float64 {
	switch {
	case !v.Known && f.N == 0:
		return 0
	case !v.Known || f.N == 0:
		return math.Inf(1)
	}
	off := max(0, v.Low-f.Value, f.Value-v.High)
	if off == 0 {
		return 0
	}
	return off / f.Value
}

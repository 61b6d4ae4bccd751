package quality

import "math"

// Value is what an indicator comes to. An exact value has Low and High equal. Otherwise the true
// one lies between the two, both included: the counts do not tell where.
type Value struct {
	Indicator string `json:"indicator"`
	Version   int    `json:"version"`
	// Whether there is a value: false where nothing was measured.
	Known bool    `json:"known"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	// How many were measured: calls, answers or transfers, as the denominator says.
	N int64 `json:"n"`
	// How many there were to measure. The rest was not seen.
	Of int64 `json:"of"`
	// Interval is the 95 % confidence interval of a share of answers. Left out: the value is no
	// sample.
	Interval *Interval `json:"interval,omitzero"`
}

// Interval is a confidence interval.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Exact reports whether the counts tell the value exactly.
func (v Value) Exact() bool { return v.Known && v.Low == v.High }

// Coverage is the share of what there was to measure that was measured.
func (v Value) Coverage() float64 {
	if v.Of == 0 {
		return 0
	}
	return float64(v.N) / float64(v.Of)
}

// exactly is num/den, measured on n of so many.
func exactly(num, den, n, of int64) Value { return bounded(num, num, den, n, of) }

// share is the share of n in of, of all of which it is known whether they belong to n.
func share(n, of int64) Value { return exactly(n, of, of, of) }

// bounded lies between low/den and high/den. One division of whole numbers is the same on every
// machine.
func bounded(low, high, den, n, of int64) Value {
	if den == 0 {
		return Value{Of: of}
	}
	return Value{
		Known: true, N: n, Of: of,
		Low: float64(low) / float64(den), High: float64(high) / float64(den),
	}
}

// wilson is the share of yes in n answers with its Wilson score interval of 95 %.
func wilson(yes, n int64) Value {
	v := share(yes, n)
	if n == 0 {
		return v
	}
	const z = 1.959963984540054 // the normal distribution's 0.975 quantile
	p, size := float64(yes)/float64(n), float64(n)
	scale := 1 + z*z/size
	middle := (p + z*z/(2*size)) / scale
	half := z / scale * math.Sqrt(p*(1-p)/size+z*z/(4*size*size))
	v.Interval = &Interval{Low: round6(max(0, middle-half)), High: round6(min(1, middle+half))}
	return v
}

// round6 takes away the digits in which machines may differ.
func round6(x float64) float64 { return math.Round(x*1e6) / 1e6 }

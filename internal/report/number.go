package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/risposta/gateway/metering/quality"
)

// rounding is how a number is cut to the digits that the page shows.
type rounding func(float64) float64

// down and up round bounds outwards: what lies between the true ones lies between the shown ones. A
// millionth of the last digit is what the division may be off.
func down(x float64) float64 { return math.Floor(x + 1e-6) }
func up(x float64) float64   { return math.Ceil(x - 1e-6) }

// mostDigits bounds those after the decimal separator.
const mostDigits = 6

// value writes a figure: 87.0 s, 45.0 %, 3.75, or its two bounds.
func (t texts) value(f Figure) string { return t.valueBeside(f) }

// valueBeside writes a figure so that it does not look like one of some others that it is not.
func (t texts) valueBeside(f Figure, others ...float64) string {
	switch {
	case f.Suppressed:
		return t.Suppressed
	case !f.Known:
		return t.Unknown
	}
	i, _ := quality.Find(f.Indicator)
	if f.Low == f.High {
		return t.number(i.Unit, f.Low, math.Round, others...)
	}
	low, high := t.number(i.Unit, f.Low, down, others...), t.number(i.Unit, f.High, up, others...)
	if low == high {
		return low
	}
	return low + " – " + high
}

// number writes a number in a unit. A share that is not nothing does not look like it, nor like all.
func (t texts) number(unit quality.Unit, x float64, round rounding, others ...float64) string {
	digits, factor, sign := 1, 1.0, " s"
	switch unit {
	case quality.Share:
		factor, sign, others = 100, " %", append(others, 0, 1)
	case quality.Score:
		digits, sign = 2, ""
	case quality.Seconds:
	}
	write := func(x float64, round rounding) string {
		shift := math.Pow10(digits)
		return t.point(fmt.Sprintf("%.*f%s", digits, round(x*factor*shift)/shift, sign))
	}
	for looksLike := true; looksLike && digits < mostDigits; {
		looksLike = false
		for _, other := range others {
			if x != other && write(x, round) == write(other, math.Round) {
				looksLike = true
			}
		}
		if looksLike {
			digits++
		}
	}
	return write(x, round)
}

func (t texts) point(text string) string { return strings.Replace(text, ".", t.decimal, 1) }

// count writes 1,234,567.
func (t texts) count(n int64) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + t.thousands + text[at:]
	}
	return text
}

func (t texts) interval(f Figure) string {
	if f.Interval == nil {
		return ""
	}
	return t.number(quality.Share, f.Interval.Low, down) + " – " +
		t.number(quality.Share, f.Interval.High, up)
}

// measured writes of how many a figure is, and how many there were.
func (t texts) measured(f Figure) string {
	if !f.Known {
		return ""
	}
	return fmt.Sprintf(t.NOf, t.count(f.N), t.count(f.Of))
}

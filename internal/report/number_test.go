package report

import (
	"testing"

	"github.com/risposta/gateway/metering/quality"
)

// Rounding hides nothing: what is not zero, not all and not the objective does not look like it, and
// bounds are rounded outwards.
func TestNumbersDoNotLookLikeWhatTheyAreNot(t *testing.T) {
	known := func(indicator string, low, high float64) Figure {
		return Figure{Value: quality.Value{Indicator: indicator, Known: true, Low: low, High: high}}
	}
	for _, c := range []struct {
		figure Figure
		beside []float64
		want   string
	}{
		{known("cut_waiting", 0, 0), nil, "0.0 %"},
		{known("cut_waiting", 1.0/3000, 1.0/3000), nil, "0.03 %"},
		{known("cut_waiting", 1e-6, 1e-6), nil, "0.0001 %"},
		{known("seen", 0.99996, 0.99996), nil, "99.996 %"},
		{known("seen", 1, 1), nil, "100.0 %"},
		{known("answered_20s_of_answered", 0.39996, 0.39996), []float64{0.4}, "39.996 %"},
		{known("answered_20s_of_answered", 0.4, 0.4), []float64{0.4}, "40.0 %"},
		{known("answer_time_mean", 150.04, 150.04), []float64{150}, "150.04 s"},
		{known("answer_time_mean", 150.04, 150.04), nil, "150.0 s"},
		{known("satisfaction_mean", 3.9999, 3.9999), []float64{4}, "3.9999"},
		{known("wait_p95", 12.36, 12.44), nil, "12.3 s – 12.5 s"},
		{known("abandoned", 0.3, 0.3001), nil, "30.0 % – 30.1 %"},
		{known("abandoned", 0, 0.0001), nil, "0.0 % – 0.1 %"},
		{Figure{Suppressed: true}, nil, "not published"}, {Figure{}, nil, "not known"},
	} {
		if have := english.valueBeside(c.figure, c.beside...); have != c.want {
			t.Errorf("%s of %v: %q, want %q", c.figure.Indicator, c.figure.Low, have, c.want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1.000", 1234567: "1.234.567"} {
		if have := italian.count(n); have != want {
			t.Errorf("%d is written %s, want %s", n, have, want)
		}
	}
	if have := italian.value(known("answer_time_mean", 87.04, 87.04)); have != "87,0 s" {
		t.Errorf("%s, want 87,0 s", have)
	}
}

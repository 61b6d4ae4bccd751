package exemption_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

// people is a lookup that knows who is exempt.
type people []string

func (p people) Exempt(
	_ context.Context, n metering.Number, _ time.Time,
) (exemption.Answer, error) {
	if len(n.Readings()) > 1 {
		return exemption.Answer{}, errDown // a lookup gets one reading at a time
	}
	switch {
	case n.Withheld():
		return exemption.Answer{}, nil
	case slices.Contains(p, n.Clear()):
		return answer(metering.ExemptYes), nil
	}
	return answer(metering.ExemptNo), nil
}

// Each lookup is asked about each number that a text may mean.
func TestAnyOfAsksAboutEachReading(t *testing.T) {
	mobile, rome := "+393906123456", "+3906123456"
	both := metering.NewNumber(mobile).Or(metering.NewNumber(rome))
	for name, c := range map[string]struct {
		of     exemption.AnyOf
		number metering.Number
		want   metering.Verdict
	}{
		"the first":     {exemption.AnyOf{people{mobile}}, both, metering.ExemptYes},
		"the second":    {exemption.AnyOf{people{rome}}, both, metering.ExemptYes},
		"neither":       {exemption.AnyOf{people{}}, both, metering.ExemptNo},
		"second lookup": {exemption.AnyOf{people{}, people{rome}}, both, metering.ExemptYes},
		"one unknown": {
			exemption.AnyOf{people{}, always(metering.ExemptUnknown)}, both, metering.ExemptUnknown,
		},
		"withheld": {exemption.AnyOf{people{rome}}, metering.Number{}, metering.ExemptUnknown},
	} {
		got, err := c.of.Exempt(t.Context(), c.number, noon)
		if err != nil || got.Verdict != c.want {
			t.Errorf("%s: %s, %v; want %s", name, got.Verdict, err, c.want)
		}
	}
}

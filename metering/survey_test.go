package metering_test

import (
	"testing"

	"github.com/risposta/gateway/metering"
)

func TestSurveyReadsKeysInTurn(t *testing.T) {
	for keys, want := range map[string]metering.Survey{
		"":     {},
		"4":    {Satisfaction: 4},
		"41":   {Satisfaction: 4, Solved: metering.SolvedYes},
		"32":   {Satisfaction: 3, Solved: metering.SolvedNo},
		"0692": {Satisfaction: 2}, // the first key that is an answer
		"9512": {Satisfaction: 5, Solved: metering.SolvedYes},
		"1*2":  {Satisfaction: 1, Solved: metering.SolvedNo},
	} {
		var s metering.Survey
		for _, k := range keys {
			s.Answer(string(k))
		}
		if s != want {
			t.Errorf("%q: %+v, want %+v", keys, s, want)
		}
	}
}

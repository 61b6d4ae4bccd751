package metering_test

import (
	"testing"

	"github.com/risposta/gateway/metering"
)

func TestSurveyReadsKeysInTurn(t *testing.T) {
	const yes, no = metering.SolvedYes, metering.SolvedNo
	for keys, want := range map[string]struct{ first, solvedFirst metering.Survey }{
		"":     {},
		"4":    {metering.Survey{Satisfaction: 4}, metering.Survey{}},
		"41":   {metering.Survey{Satisfaction: 4, Solved: yes}, metering.Survey{Solved: yes}},
		"32":   {metering.Survey{Satisfaction: 3, Solved: no}, metering.Survey{Solved: no}},
		"0692": {metering.Survey{Satisfaction: 2}, metering.Survey{Solved: no}}, // the first that is one
		"9512": {
			metering.Survey{Satisfaction: 5, Solved: yes}, metering.Survey{Satisfaction: 2, Solved: yes},
		},
		"1*2": {
			metering.Survey{Satisfaction: 1, Solved: no}, metering.Survey{Satisfaction: 2, Solved: yes},
		},
		// Who says that the matter is not solved is asked nothing more.
		"25": {metering.Survey{Satisfaction: 2}, metering.Survey{Solved: no}},
		"21": {metering.Survey{Satisfaction: 2, Solved: yes}, metering.Survey{Solved: no}},
	} {
		for solvedFirst, want := range map[bool]metering.Survey{
			false: want.first, true: want.solvedFirst,
		} {
			var s metering.Survey
			for _, k := range keys {
				s.Answer(string(k), solvedFirst)
			}
			if s != want {
				t.Errorf("%q, solved first %v: %+v, want %+v", keys, solvedFirst, s, want)
			}
		}
	}
}

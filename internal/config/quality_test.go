package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/metering/quality"
)

func TestProblemsOfQuality(t *testing.T) {
	objective := func(text string) string { return "quality: {objectives: [{" + text + "}]}\n" }
	checkAll(t, map[string]problem{
		"short": {
			add: "quality: {short_abandon: 6s}\n", want: "gw.yaml:21: quality.short_abandon: 6s",
		},
		"repeat": {
			add: "quality: {repeat_within: 48h}\n", want: "gw.yaml:21: quality.repeat_within: 48h0m0s",
		},
		"service": {
			add:  objective(`service: x, indicator: seen, year: 2026, limit: "1"`),
			want: `quality.objectives[0].service: "x" is the name of no service`,
		},
		"indicator": {
			add:  objective(`service: help, indicator: fast, year: 2026, limit: "1"`),
			want: `quality.objectives[0].indicator: "fast" is no indicator`,
		},
		"year": {
			add:  objective(`service: help, indicator: seen, year: 26, limit: "1"`),
			want: `quality.objectives[0].year: 26 is not a year`,
		},
		"no limit": {
			add:  objective(`service: help, indicator: seen, year: 2026`),
			want: `quality.objectives[0].limit: "" is not a number`,
		},
		"not a number": {
			add:  objective(`service: help, indicator: seen, year: 2026, limit: NaN`),
			want: `quality.objectives[0].limit: "NaN" is not a number`,
		},
		"percent": {
			add:  objective(`service: help, indicator: seen, year: 2026, limit: "95"`),
			want: `quality.objectives[0].limit: 95 is more than the whole`,
		},
		"twice": {
			add: objective(`service: help, indicator: seen, year: 2026, limit: "1"}, ` +
				`{service: help, indicator: seen, year: 2026, limit: "0.9"`),
			want: `quality.objectives[1]: a second objective for seen of help in 2026`,
		},
	})
}

func TestObjectivesAreRead(t *testing.T) {
	text := good + `quality: {objectives: [` +
		`{service: help, indicator: answer_time_mean, year: 2026, limit: "70"}]}` + "\n"
	c, err := config.Parse("gw.yaml", []byte(text), secrets, config.AllSecrets, noFiles)
	if err != nil {
		t.Fatal(err)
	}
	want := []quality.Objective{
		{Service: "help", Indicator: "answer_time_mean", Year: 2026, Limit: 70},
	}
	if diff := cmp.Diff(want, c.Quality.Targets()); diff != "" {
		t.Error(diff)
	}
	if terms := c.Quality.Terms(); terms != quality.DefaultTerms() {
		t.Errorf("terms %+v, want the defaults", terms)
	}
}

package config_test

import (
	"strings"
	"testing"
	"time"

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

func TestProblemsOfHowAServiceIsMeasured(t *testing.T) {
	const number = "number: \"1001\"\n"
	good := number + "    zone: UTC\n    hours: [{from: \"08:00\", until: \"18:00\"}]\n"
	second := "  - {name: help, number: \"1002\", context: from-trunk, tariff: standard}\n"
	for name, c := range map[string]struct{ replace, want string }{
		"choice":   {number + "    choice: key\n", `services[0].choice: "key" is neither queue nor mark`},
		"no hours": {number + "    zone: UTC\n", `services[0].hours: missing`},
		"no zone": {
			number + "    hours: [{from: \"08:00\", until: \"18:00\"}]\n",
			`services[0].zone: "" is not a time zone`,
		},
		"days": {
			number + "    zone: UTC\n    hours: [{days: lun, from: \"08:00\", until: \"18:00\"}]\n",
			`services[0].hours[0].days: "lun" is not such as`,
		},
		"closed": {good + "    closed: [\"25.12.\"]\n", `services[0].closed[0]: "25.12." is not a day`},
		"another entry of the name": {
			good,
			`services[1]: service "help" has another choice or other opening hours above`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := problem{old: number, replace: c.replace, want: c.want}
			if strings.HasPrefix(c.want, "services[1]") {
				text := strings.Replace(swap(t, number, good), "tariffs:\n", second+"tariffs:\n", 1)
				p = problem{text: text, want: c.want}
			}
			p.check(t)
		})
	}
}

// A call is outside the opening hours of the service that it comes in on, whatever its carrier puts
// around the number.
func TestServicesAreMeasuredAsConfigured(t *testing.T) {
	text := swap(t, "number: \"1001\"\n", "number: \"1001\"\n    choice: mark\n"+
		"    zone: Europe/Rome\n    closed: [\"2026-12-25\"]\n"+
		"    hours: [{days: mon-fri, from: \"08:00\", until: \"18:00\"}]\n")
	c, err := config.Parse("gw.yaml", []byte(text), secrets, config.AllSecrets, noFiles)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := c.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for at, outside := range map[string]bool{
		"2026-11-23T06:59:59Z": true, "2026-11-23T07:00:00Z": false, "2026-12-25T09:00:00Z": true,
	} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		terms := rules.Terms(c.Services[0].Name, instant)
		got, marked := c.Measured(c.Services[0].Context, "+1001;npdi", instant)
		if terms.OutsideHours != outside || !terms.ChoiceMarked || got != outside || !marked {
			t.Errorf("%s: %+v; outside %v, marked %v", at, terms, got, marked)
		}
		if outside, marked := c.Measured("elsewhere", "1001", instant); outside || marked {
			t.Error("a call on no service is measured as one of a service")
		}
	}
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

package reconcile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cel"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
)

const traces = "../../integration/testdata/traces"

// talkByHand is the talk that was worked out by hand for a recording, over all its calls.
func talkByHand(t *testing.T, path string) (sum time.Duration) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if f[0] != "talks" {
			continue
		}
		from, err := time.Parse("15:04:05.000", f[1])
		if err != nil {
			t.Fatal(err)
		}
		to, err := time.Parse("15:04:05.000", f[2])
		if err != nil {
			t.Fatal(err)
		}
		sum += to.Sub(from)
	}
	return sum
}

// The CEL goes through the same mediator as ARI's events.
func TestCELGivesTheTalkOfEachRecording(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(traces, "*", "facts.txt"))
	if err != nil || len(files) < 40 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, path := range files {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			operators, err := mediation.NewGlobs("PJSIP/op*")
			if err != nil {
				t.Fatal(err)
			}
			p := mediation.New(mediation.Rules{
				Service:   func(c ari.Channel) (string, bool) { return "help", c.Endpoint() == "PJSIP/trunk" },
				Operators: operators,
				Terms:     func(string, time.Time) metering.Terms { return metering.Terms{} },
				Pseudonym: func(metering.Number) string { return "" },
			})
			f, err := os.Open(filepath.Join(dir, "cel.csv"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close() //nolint:errcheck // it was only read
			var out mediation.Output
			err = cel.Read(f, time.UTC, "pbx", func(ev cel.Event) error {
				p.Step(ev.Event, &out)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			var got time.Duration
			for _, c := range out.Calls {
				got += c.TalkTime()
			}
			if want := talkByHand(t, path); (got - want).Abs() > 40*time.Millisecond {
				t.Errorf("talk %s, by hand %s: %+v", got, want, out.Calls)
			}
			if n := p.Size(); n != 0 {
				t.Errorf("%d entries are left in memory", n)
			}
		})
	}
}

func TestCELErrorsNameTheLine(t *testing.T) {
	const good = `"CHAN_START","2026-11-23 09:46:14.945","+390612345678","a","a","PJSIP/trunk-1",""
`
	for text, want := range map[string]string{
		good + `"ANSWER","2026-11-23"` + "\n":                     "line 2: it has 2 columns",
		strings.Replace(good, "09:46", "9.46", 1):                 "line 1: its time",
		good + strings.Replace(good, `""`, `"{"`, 1):              "line 2: its extra column",
		good + `"ANSWER","2026-11-23 09:46:15.000","+39` + "\n\n": "reading the CEL",
	} {
		ignore := func(cel.Event) error { return nil }
		err := cel.Read(strings.NewReader(text), time.UTC, "pbx", ignore)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		} else if strings.Contains(err.Error(), "0612345678") {
			t.Errorf("the caller's number is in the error: %v", err)
		}
	}
}

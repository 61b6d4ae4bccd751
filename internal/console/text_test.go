package console

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/risposta/gateway/internal/live"
	"github.com/risposta/gateway/internal/timeline"
)

// Each language says everything that the other says, and has a word for each name of the code.
func TestLanguagesAreComplete(t *testing.T) {
	reasons := append(constants(t, "../../metering/reason.go", `Reason = "([a-z_]+)"`),
		timeline.CodeHeld, timeline.CodeWaiting, timeline.CodeNoOperator)
	gaps := append(constants(t, "../../ari/event.go", `\bGap[A-Z]\w+\s+= "([a-z_]+)"`), "clock_jumped")
	for lang, text := range languages {
		v := reflect.ValueOf(text)
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() == reflect.String && f.String() == "" {
				t.Errorf("%s: %s is empty", lang, v.Type().Field(i).Name)
			}
		}
		for what, c := range map[string]struct {
			have map[string]string
			want []string
		}{
			"states":   {text.states, live.States()},
			"doing":    {text.doing, []string{"waiting", "talk", "held", "unseen"}},
			"reasons":  {text.reasons, reasons},
			"gaps":     {text.gaps, gaps},
			"outcomes": {text.outcomes, []string{"talked", "abandoned", "unanswered", "uncertain"}},
		} {
			have, want := slices.Sorted(maps.Keys(c.have)), slices.Sorted(slices.Values(c.want))
			if !slices.Equal(have, want) {
				t.Errorf("%s: %s has %v\nwant %v", lang, what, have, want)
			}
		}
	}
}

func constants(t *testing.T, file, pattern string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[1])
	}
	if len(all) < 8 {
		t.Fatalf("only %d names were found in %s", len(all), file)
	}
	return all
}

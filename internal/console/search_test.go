package console

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

func TestACallIsFoundByItsNames(t *testing.T) {
	r, frames := recorded(t)
	b := &books{
		records:  []metering.Record{r},
		evidence: map[metering.CallID][][]byte{r.Call: frames, openCall: frames[:3]},
	}
	s := serve(t, b)
	for query, want := range map[string]string{
		r.Record: "/en/calls/" + string(r.Call), string(r.Call): "/en/calls/" + string(r.Call),
		" " + r.Record + " ": "/en/calls/" + string(r.Call), string(openCall): "/en/calls/" + string(openCall),
	} {
		code, body, h := s.get("/en/search?q=" + strings.ReplaceAll(query, " ", "+"))
		if code != http.StatusSeeOther || h.Get("Location") != want {
			t.Errorf("searching %q: %d to %s, want %s\n%s", query, code, h.Get("Location"), want, body)
		}
	}
	for path, want := range map[string]int{
		"/en/search?q=nothing": http.StatusNotFound, "/en/search?q=": http.StatusBadRequest,
		"/en/search?q=" + strings.Repeat("x", 500): http.StatusBadRequest,
		"/en/calls/nothing":                        http.StatusNotFound,
	} {
		if code, body, _ := s.get(path); code != want || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%s: %d, want %d with a message:\n%s", path, code, want, body)
		}
	}
}

// The calls of a pseudonym are found day by day, the latest first, a bounded number at once.
func TestTheCallsOfAPseudonymAreListed(t *testing.T) {
	b, nothing := &books{}, tariff.Amount{Digits: 2, Currency: "EUR"}
	for i := range 250 {
		b.records = append(b.records, metering.Record{
			Record: fmt.Sprintf("r-%d-1", i), Call: metering.CallID(fmt.Sprintf("pbx1-%03d", i)), Caller: caller,
			ArrivedAt: metering.Time{Time: noon.AddDate(0, 0, -i/60).Add(time.Duration(i) * time.Second)},
			Reasons:   []metering.Reason{metering.ReasonNoTalk}, Outcome: metering.Abandoned, Charge: nothing,
		})
		b.records = append(b.records, metering.Record{
			Record: fmt.Sprintf("r-o%d-1", i), Call: "other", Caller: "c-other",
			ArrivedAt: metering.Time{Time: noon}, Reasons: []metering.Reason{metering.ReasonNoTalk},
			Charge: nothing,
		})
	}
	s := serve(t, b)
	found := regexp.MustCompile(`/en/calls/(pbx1-\d+)`)
	var all []string
	next := "/en/search?q=" + caller
	for pages := 0; next != ""; pages++ {
		code, body, _ := s.get(next)
		if code != http.StatusOK || pages > 3 || strings.Contains(body, "other") {
			t.Fatalf("%s: %d:\n%s", next, code, body)
		}
		for _, m := range found.FindAllStringSubmatch(body, -1) {
			all = append(all, m[1])
		}
		next = ""
		if m := regexp.MustCompile(`href="(/en/search[^"]*before[^"]*)"`).FindStringSubmatch(body); m != nil {
			next = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if len(all) != 250 || all[0] != "pbx1-059" || all[60] != "pbx1-119" {
		t.Errorf("%d calls were found, the first %v", len(all), all[:min(3, len(all))])
	}
	if code, _, _ := s.get("/en/search?q=" + caller + "&before=yesterday"); code != http.StatusBadRequest {
		t.Errorf("a day that is none: %d", code)
	}
}

// One search reads the records at a time.
func TestOneSearchAtATime(t *testing.T) {
	b := &books{slow: make(chan struct{}), begun: make(chan struct{}, 1)}
	s := serve(t, b)
	first := make(chan int, 1)
	go func() {
		code, _, _ := s.get("/en/search?q=" + caller)
		first <- code
	}()
	<-b.begun
	if code, _, _ := s.get("/en/search?q=" + caller); code != http.StatusServiceUnavailable {
		t.Errorf("a second search answers %d, want 503", code)
	}
	close(b.slow)
	if code := <-first; code != http.StatusOK {
		t.Errorf("the first search answers %d", code)
	}
}

package console

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/risposta/gateway/internal/live"
	"github.com/risposta/gateway/metering"
)

func TestTheFirstPageIsInTheReadersLanguage(t *testing.T) {
	s := serve(t, &books{})
	for accept, want := range map[string]string{
		"": "/en/", "it-IT,it;q=0.9,en;q=0.5": "/it/", "de": "/en/", "en-GB": "/en/", "de,it;q=0.3": "/it/",
		";;;": "/en/",
	} {
		code, _, h := s.get("/", "Accept-Language", accept)
		if code != http.StatusSeeOther || h.Get("Location") != want {
			t.Errorf("for %q: %d %s, want %s", accept, code, h.Get("Location"), want)
		}
	}
	for lang, words := range map[string][]string{
		"en": {`<html lang="en">`, "Talking, charged", "Exempt, free: talking", "0.14 EUR"},
		"it": {`<html lang="it">`, "In conversazione, addebitata", "Esente, gratis: in conversazione", "0,14 EUR"},
	} {
		code, body, h := s.get("/" + lang + "/")
		for _, w := range words {
			if code != http.StatusOK || !strings.Contains(body, w) {
				t.Errorf("/%s/: %d, lacks %q:\n%s", lang, code, w, body)
			}
		}
		if strings.Contains(body, "<script>alert") {
			t.Errorf("/%s/: an operator's name is a script", lang)
		}
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") ||
			regexp.MustCompile(`<script(?: [^>]*)?>[^<]`).MatchString(body) || strings.Contains(body, " style=") ||
			strings.Contains(body, " onclick") {
			t.Errorf("/%s/: the policy %q forbids what the page has, or forbids nothing", lang, csp)
		}
	}
}

// However many look, a view is made once, and none while nobody looks.
func TestAViewIsMadeOnceForAll(t *testing.T) {
	s := serve(t, &books{})
	if n := s.made.Load(); n != 0 {
		t.Errorf("%d views were made before anybody looked", n)
	}
	for range 10 {
		s.get("/en/")
		s.get("/it/")
		s.get("/live.json")
	}
	if n := s.made.Load(); n != 1 {
		t.Errorf("%d views were made within an instant, want 1", n)
	}
	_, body, _ := s.get("/live.json")
	var v live.View
	if err := json.Unmarshal([]byte(body), &v); err != nil || len(v.Calls) != len(live.States()) {
		t.Errorf("%d calls in /live.json, %v", len(v.Calls), err)
	}
}

func TestALedgerThatFailsIsSaid(t *testing.T) {
	s := serve(t, &books{})
	s.fail.Store(true)
	for _, path := range []string{"/en/", "/live.json"} {
		if code, body, _ := s.get(path); code != http.StatusInternalServerError ||
			!strings.Contains(body, "the ledger is gone") {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}

// The page of a call has each second with its reason, each version, and no reference of an exemption.
func TestTheCallsPage(t *testing.T) {
	r, frames := recorded(t)
	later := r
	later.Record, later.Version = "r-x-2", 2
	later.Reasons = []metering.Reason{metering.ReasonExempt, metering.ReasonCredited}
	later.Exempt, later.ExemptionRef, later.Charge.Minor = true, secretRef, 0
	b := &books{
		records: []metering.Record{r}, evidence: map[metering.CallID][][]byte{r.Call: frames, openCall: frames[:3]},
	}
	s := serve(t, b)
	code, body, _ := s.get("/it/calls/" + string(r.Call))
	for _, want := range []string{
		"0,14 EUR", "9,478 s", "byte per byte", `<svg class="chart" role="img"`, "conversazione con PJSIP/agent1",
		" s addebitata", r.Record, "sospesa: nessuna conversazione",
	} {
		if code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("the page of the call (%d) lacks %q:\n%s", code, want, body)
		}
	}
	b.records = append(b.records, later)
	_, body, _ = s.get("/en/calls/" + string(r.Call))
	for _, want := range []string{"the caller is exempt", "VERIFICATION FAILED", "r-x-2", r.Record} {
		if !strings.Contains(body, want) {
			t.Errorf("the page of a call whose newest version is not what its evidence gives lacks %q:\n%s",
				want, body)
		}
	}
	if strings.Contains(body, secretRef) || strings.Contains(body, " s charged") {
		t.Error("the page of an exempt call has the reference, or says that seconds were charged")
	}
	b.evidence["pbx1-none"] = frames[:3]
	if code, body, _ := s.get("/en/calls/pbx1-none"); code != http.StatusInternalServerError ||
		!strings.Contains(body, "of another call") {
		t.Errorf("the page of a call whose evidence is not its own: %d\n%s", code, body)
	}
	delete(b.evidence, r.Call)
	if _, body, _ = s.get("/en/calls/" + string(r.Call)); !strings.Contains(body, "the evidence are erased") {
		t.Errorf("the page of an erased call:\n%s", body)
	}
}

package report

import (
	"bytes"
	"crypto/rand"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// company is a key of a company, and its public half.
func company(t *testing.T) (note.Signer, note.Verifier) {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, "risposta-ledger")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

func TestPublishedReportIsReadBackAsItWasSigned(t *testing.T) {
	signer, verifier := company(t)
	_, other := company(t)
	p := Published{Company: "Acme <Spa>", Report: built(t, sample(), "")}
	var b bytes.Buffer
	if err := p.Publish(&b, signer); err != nil {
		t.Fatal(err)
	}
	back, err := OpenPublished(b.Bytes(), note.VerifierList(other, verifier))
	if err != nil || back.Company != p.Company || back.Head != p.Head {
		t.Errorf("%v: %+v", err, back)
	}
	// How each operator works is nobody's outside the company.
	if strings.Contains(b.String(), "anna") || len(p.Services[0].Operators) != 3 {
		t.Errorf("%s names an operator, or publishing changed the report", b.String())
	}
	for i := range p.Services {
		p.Services[i].Operators = []Part{}
	}
	if written(t, back.Report, "it") != written(t, p.Report, "it") {
		t.Error("what is read is another report")
	}
	better := bytes.Replace(b.Bytes(), []byte(`"low": 2.8`), []byte(`"low": 1.8`), 1)
	if bytes.Equal(better, b.Bytes()) {
		t.Fatal("the report has no such figure")
	}
	for name, c := range map[string]struct {
		text []byte
		key  note.Verifier
	}{
		"changed": {better, verifier}, "another company's key": {b.Bytes(), other},
		"no signature": {b.Bytes()[:bytes.LastIndex(b.Bytes(), []byte("\n\n"))], verifier},
	} {
		if _, err := OpenPublished(c.text, note.VerifierList(c.key)); err == nil {
			t.Errorf("%s: it was read", name)
		}
	}
	head, err := note.Sign(&note.Note{Text: "go.sum database tree\n"}, signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPublished(head, note.VerifierList(verifier)); err == nil {
		t.Error("a signed head was taken for a report")
	}
	if err := (Published{}).Publish(&b, signer); err == nil {
		t.Error("a report of no company was published")
	}
}

func TestComparisonRefusesWhatIsDefinedInAnotherWay(t *testing.T) {
	one := Published{Company: "One", Report: built(t, sample(), "1001")}
	two := Published{Company: "Two", Report: built(t, sample(), "1002")}
	two.ShortAbandonMs = (10 * time.Second).Milliseconds()
	two.RepeatsUntil = "2026-12-20"
	for i := range two.Definitions {
		switch two.Definitions[i].Name {
		case "wait_p95":
			two.Definitions[i].Version = 2
		case "seen":
			two.Definitions[i].Formula = "Something else."
		}
	}
	two.Definitions = append(two.Definitions[1:], two.Definitions[3])
	two.Definitions[len(two.Definitions)-1].Name = "two_alone"
	c, err := Compare([]Published{one, two})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := c.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, row := range rows[1:] {
		if row[1] == "figure" || row[1] == "refused" {
			have[row[2]+" "+row[4]] = row[7] + row[13] + row[14]
		}
	}
	for key, want := range map[string]string{
		" answer_time_mean":             "One has it, Two does not",
		" wait_p95":                     `One and Two define it in different ways (version): 1; 2`,
		" seen":                         "One and Two define it in different ways (formula): Share of the time",
		" abandoned":                    "One and Two count with different terms (short_abandon): 5 s; 10 s",
		" no_repeat_call":               "One and Two count with different terms (repeats_until): 2026-12-24; 2026-12-20",
		" two_alone":                    "Two has it, One does not",
		"One answered_20s_of_answered":  "1.000000false",
		"Two answered_20s_of_answered":  "true",
		"One satisfaction_mean":         "4.500000false",
		"One answer_time_mean_exempt":   "true",
		"Two answered_180s_of_answered": "true",
	} {
		if !strings.HasPrefix(have[key], want) || want == "true" && have[key] != "true" {
			t.Errorf("%q: %q, want %q", key, have[key], want)
		}
	}
	for language, why := range map[string]string{
		"en": "One and Two count with different terms (short_abandon): 5 s; 10 s",
		"it": "One e Two conteggiano con termini diversi (short_abandon): 5 s; 10 s",
	} {
		page := comparisonText(t, c, language)
		elements(t, page)
		for _, text := range []string{
			"One: 1001", "Two: 1002", "it@3f0c2b9a51d4", "a signed head", "<td>" + why + "</td>", "<h1>",
		} {
			if !strings.Contains(page, text) {
				t.Errorf("%s: the page has no %q", language, text)
			}
		}
	}
	for name, change := range map[string]func(*Published){
		"another period":    func(p *Published) { p.Period = "2026-H1" },
		"another time zone": func(p *Published) { p.Zone = "Europe/Rome" },
		"other counts":      func(p *Published) { p.Counts++ },
	} {
		other := two
		change(&other)
		if _, err := Compare([]Published{one, other}); err == nil || !strings.Contains(err.Error(), "Two") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// comparisonText is the page of a comparison.
func comparisonText(t *testing.T, c Comparison, language string) string {
	t.Helper()
	var page bytes.Buffer
	if err := c.WriteHTML(&page, language); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// What says what a report was made with is in the comparison too.
func TestComparisonSaysWhatItIsMadeFrom(t *testing.T) {
	one := Published{Company: "One", Report: built(t, sample(), "")}
	c, err := Compare([]Published{one})
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, row := range c.rows() {
		have[row[1]+" "+row[4]] = row[14]
	}
	for key, want := range map[string]string{
		"about policy": "it@3f0c2b9a51d4", "about head": "a signed head\n", "about counted_days": "3",
		"about zone": "UTC", "definition seen": "Share of the time of all calls that the gateway saw.",
	} {
		if have[key] != want {
			t.Errorf("%s is %q, want %q", key, have[key], want)
		}
	}
}

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
	if err != nil || back.Company != p.Company || back.Head != p.Head ||
		written(t, back.Report, "it") != written(t, p.Report, "it") {
		t.Errorf("%v: %+v", err, back)
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
		have[row[1]+" "+row[3]] = row[6] + row[10] + row[11]
	}
	for key, want := range map[string]string{
		" answer_time_mean":             "Two does not have it",
		" wait_p95":                     `One and Two define it with another version: "1", "2"`,
		" seen":                         "One and Two define it with another formula",
		" abandoned":                    "One counts with short_abandon 5 s, Two with 10 s",
		" no_repeat_call":               `One has counted the days before "2026-12-24", Two those before`,
		" two_alone":                    "One does not have it",
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
	for _, language := range Languages() {
		var page bytes.Buffer
		if err := c.WriteHTML(&page, language); err != nil {
			t.Fatal(err)
		}
		elements(t, page.String())
		for _, text := range []string{
			"One: 1001 (it@3f0c2b9a51d4)", "Two: 1002", languages[language].Refused,
			"One counts with short_abandon 5 s", "<h1>",
		} {
			if !strings.Contains(page.String(), text) {
				t.Errorf("%s: the page has no %q", language, text)
			}
		}
	}
	two.Period = "2026-H1"
	if _, err := Compare([]Published{one, two}); err == nil || !strings.Contains(err.Error(), "Two") {
		t.Errorf("another period: %v", err)
	}
}

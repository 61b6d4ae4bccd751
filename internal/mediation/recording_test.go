package mediation_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

const answeredCall = "../../integration/testdata/traces/answered/ari.jsonl"

// recording is one whose records and warnings go into lists.
func recording(t *testing.T, records *[]metering.Record, warnings *[]string) mediation.Recording {
	t.Helper()
	callers, err := mediation.NewGlobs("PJSIP/trunk*")
	if err != nil {
		t.Fatal(err)
	}
	operators, err := mediation.NewGlobs("PJSIP/agent*")
	if err != nil {
		t.Fatal(err)
	}
	return mediation.Recording{
		Rules: mediation.RecordingRules(callers, operators),
		Record: func(rec metering.Record) error {
			*records = append(*records, rec)
			return nil
		},
		Warn: func(line int, problem error) {
			*warnings = append(*warnings, fmt.Sprintf("%d: %v", line, problem))
		},
	}
}

func TestRecordingWarnsOncePerTypeAndCountsEveryUnreadableFrame(t *testing.T) {
	text, err := os.ReadFile(answeredCall)
	if err != nil {
		t.Fatal(err)
	}
	tooLong := `{"type":"Dial","padding":"` + strings.Repeat("x", 2<<20) + `"}`
	lines := "not JSON\n\nnot JSON either\n" + tooLong + "\n" + string(text)
	var records []metering.Record
	var warnings []string
	r := recording(t, &records, &warnings)
	count, err := r.Replay(context.Background(), strings.NewReader(lines))
	if err != nil || len(records) != 1 || records[0].TalkMs != 5495 {
		t.Errorf("%v, records %+v; want one with 5495 ms of talk", err, records)
	}
	want := mediation.RecordingCount{Lines: strings.Count(lines, "\n"), Unreadable: 3}
	if count != want {
		t.Errorf("counted %+v, want %+v", count, want)
	}
	if len(warnings) != 2 || !strings.HasPrefix(warnings[0], "1: unreadable frame of 9 bytes") ||
		!strings.HasPrefix(warnings[1], fmt.Sprintf("4: unreadable frame of %d bytes", len(tooLong)+1)) {
		t.Errorf("warned %q", warnings)
	}
}

func TestRecordingAnswersExemptionLookups(t *testing.T) {
	text, err := os.ReadFile(answeredCall)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the lookup is broken")
	price := tariff.Tariff{
		Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR",
	}
	for name, c := range map[string]struct {
		answer  metering.Exemption
		err     error
		reason  metering.Reason
		warning string
	}{
		"exempt":     {metering.Exemption{Verdict: metering.ExemptYes}, nil, metering.ReasonExempt, ""},
		"not exempt": {metering.Exemption{Verdict: metering.ExemptNo}, nil, metering.ReasonTalk, ""},
		"no answer":  {metering.Exemption{}, broken, metering.ReasonExemptionUnresolved, broken.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			var records []metering.Record
			var warnings []string
			r := recording(t, &records, &warnings)
			r.Rules.AskExemption = true
			r.Rules.Terms = func(string, time.Time) metering.Terms {
				return metering.Terms{Tariff: &price, AskExemption: true}
			}
			r.Exempt = func(context.Context, mediation.Ask) (metering.Exemption, error) {
				return c.answer, c.err
			}
			if _, err := r.Replay(context.Background(), strings.NewReader(string(text))); err != nil {
				t.Fatal(err)
			}
			if len(records) != 1 || !slices.Contains(records[0].Reasons, c.reason) {
				t.Errorf("got %+v, want one record with the reason %s", records, c.reason)
			}
			got := strings.Join(warnings, "\n")
			if !strings.Contains(got, c.warning) || (got == "") != (c.warning == "") {
				t.Errorf("warned %q, want %q", got, c.warning)
			}
		})
	}
}

func TestRecordingStopsAtAFailure(t *testing.T) {
	text, err := os.ReadFile(answeredCall)
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("the disk is full")
	var records []metering.Record
	var warnings []string
	r := recording(t, &records, &warnings)
	r.Record = func(metering.Record) error { return full }
	_, err = r.Replay(context.Background(), strings.NewReader(string(text)))
	if !errors.Is(err, full) {
		t.Errorf("a record that could not be written gives %v", err)
	}
	_, err = r.Replay(context.Background(), iotest.ErrReader(full))
	if !errors.Is(err, full) || !strings.Contains(err.Error(), "reading line 1") {
		t.Errorf("a file that could not be read gives %v", err)
	}
}

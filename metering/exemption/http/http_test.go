package http_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	exempthttp "github.com/risposta/gateway/metering/exemption/http"
)

var _ exemption.Lookup = (*exempthttp.Service)(nil)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func ask(t *testing.T, handler http.HandlerFunc) (exemption.Answer, error) {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	s := exempthttp.New(exempthttp.Config{URL: srv.URL, Token: "a secret token"})
	t.Cleanup(s.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	return s.Exempt(ctx, metering.NewNumber("+390612345678"), noon)
}

func TestQuestionAndAnswer(t *testing.T) {
	got, err := ask(t, func(w http.ResponseWriter, r *http.Request) {
		var q map[string]string
		err := json.NewDecoder(r.Body).Decode(&q)
		want := map[string]string{"number": "+390612345678", "at": "2026-11-24T12:00:00.000Z"}
		if err != nil || r.Method != http.MethodPost || !maps.Equal(q, want) ||
			r.Header.Get("Authorization") != "Bearer a secret token" {
			t.Errorf("%s %v %v, %v", r.Method, q, r.Header, err)
		}
		_, _ = w.Write([]byte(
			`{"exempt":"yes","ref":"e-1","until":"2026-12-31T23:00:00Z","category":"disabled"}`))
	})
	want := exemption.Answer{
		Exemption: metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-1"},
		Until:     time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC),
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAnswersThatBreakTheContract(t *testing.T) {
	for text, want := range map[string]string{
		`{"exempt":"no"}`:      "no",
		`{"exempt":"unknown"}`: "unknown",
		`{"exempt":"maybe"}`:   "neither yes, no nor unknown",
		`{}`:                   "neither yes, no nor unknown",
		`{"exempt":"yes","ref":"Maria Rossi, disabled"}`:     "not opaque",
		`{"exempt":"yes","until":"tomorrow, +390612345678"}`: "is not JSON such as",
		`<html>`: "is not JSON such as",
	} {
		got, err := ask(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(text))
		})
		switch {
		case err == nil && got.Verdict.String() != want:
			t.Errorf("%s: %s", text, got.Verdict)
		case err != nil && !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v", text, err)
		case err == nil:
		case strings.Contains(err.Error(), "Rossi"), strings.Contains(err.Error(), "612345678"):
			t.Errorf("the error names a person: %v", err)
		}
	}
}

func TestStatusesAndRedirectsAreFailures(t *testing.T) {
	elsewhere := 0
	count := func(http.ResponseWriter, *http.Request) { elsewhere++ }
	other := httptest.NewServer(http.HandlerFunc(count))
	defer other.Close()
	for _, status := range []int{
		http.StatusNotFound, http.StatusInternalServerError, http.StatusTemporaryRedirect,
		http.StatusNoContent,
	} {
		_, err := ask(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", other.URL)
			w.WriteHeader(status)
		})
		if err == nil || strings.Contains(err.Error(), "token") {
			t.Errorf("%d: %v", status, err)
		}
	}
	if elsewhere != 0 {
		t.Error("a redirect carried the caller's number to another host")
	}
}

func TestSilentServerFailsInTime(t *testing.T) {
	done := make(chan struct{})
	start := time.Now()
	_, err := ask(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-done:
		}
	})
	close(done)
	if err == nil || time.Since(start) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}

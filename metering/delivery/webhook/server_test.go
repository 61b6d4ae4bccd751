package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/delivery/webhook"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

const secret = "s3cret-of-the-signature"

// failure answers a request in its own way. ok: nothing is wrong with this one.
type failure func(w http.ResponseWriter, r *http.Request, ids []string) (ok bool)

// server is the other side. It keeps each id once it has said so.
type server struct {
	t  *testing.T
	mu sync.Mutex
	// has are the ids in the order of arrival; requests are how many came.
	has      []string
	repeats  int
	requests int
	fail     failure // nil: nothing fails
	hold     bool    // it keeps the events before it fails
	url      string
}

func serve(t *testing.T) *server {
	t.Helper()
	s := &server{t: t}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	s.url = h.URL
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.checkSignature(r.Header.Get(webhook.Header), body)
	ids := s.ids(body)
	if s.hold {
		s.keep(ids)
	}
	if s.fail != nil && !s.fail(w, r, ids) {
		return
	}
	if !s.hold {
		s.keep(ids)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) keep(ids []string) {
	for _, id := range ids {
		if s.knows(id) {
			s.repeats++
			continue
		}
		s.has = append(s.has, id)
	}
}

func (s *server) knows(id string) bool {
	for _, had := range s.has {
		if had == id {
			return true
		}
	}
	return false
}

// ids are those of a body: one CloudEvent, or a batch.
func (s *server) ids(body []byte) (ids []string) {
	text := string(body)
	if strings.HasPrefix(text, "{") {
		text = "[" + text + "]"
	}
	var events []struct {
		ID          string
		SpecVersion string
		Source      string
		Type        string
		Data        map[string]any
	}
	if err := json.Unmarshal([]byte(text), &events); err != nil {
		s.t.Errorf("%s: %v", body, err)
	}
	for _, e := range events {
		if e.SpecVersion != "1.0" || e.Source != "risposta" || e.Data["record"] == nil ||
			!strings.HasPrefix(e.Type, "risposta.") {
			s.t.Errorf("no CloudEvent: %+v", e)
		}
		ids = append(ids, e.ID)
	}
	return ids
}

// checkSignature works the signature out anew.
func (s *server) checkSignature(value string, body []byte) {
	at, mac, _ := strings.Cut(strings.TrimPrefix(value, "t="), ",v1=")
	h := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(h, "%s.%s", at, body)
	if mac != hex.EncodeToString(h.Sum(nil)) {
		s.t.Errorf("the signature is %q", value)
	}
}

// events are first versions of some calls, and one erasure behind them.
func events(t *testing.T, n int) (all []delivery.Event) {
	t.Helper()
	at := metering.Time{Time: time.Date(2026, 11, 23, 9, 46, 14, 945e6, time.UTC)}
	for i := range n {
		r := metering.Record{
			Record: fmt.Sprintf("r-n%d-1", i), Version: 1, Node: "pbx1", Service: "help", Caller: "c-1",
			ArrivedAt: at, EndedAt: at, BillableSeconds: 9, Reasons: []metering.Reason{"talk"},
			Charge: tariff.Amount{Minor: 14, Digits: 2, Currency: "EUR"},
		}
		e, err := delivery.NewEvent(ledger.Change{Position: int64(i), JSON: r.JSON(), Erasure: i == n-1 && i > 0})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func config(t *testing.T, url string, batch int) webhook.Config {
	t.Helper()
	fields, err := delivery.Select([]string{"service", "gross"})
	if err != nil {
		t.Fatal(err)
	}
	return webhook.Config{
		URL: url, Secret: secret, Source: "risposta", Batch: batch, Before: "[", Between: ",", After: "]",
		ContentType: "application/cloudevents-batch+json", Timeout: 300 * time.Millisecond, Fields: fields,
	}
}

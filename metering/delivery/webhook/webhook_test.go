package webhook_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/delivery/webhook"
)

// settle delivers as the caller of a sink does, until all is settled or a number of tries is over.
func settle(t *testing.T, h *webhook.Hook, events []delivery.Event, tries int) (
	refused []string, failures []error,
) {
	t.Helper()
	for range tries {
		done, no, err := h.Deliver(context.WithoutCancel(t.Context()), delivery.Batch{Events: events})
		for _, r := range no {
			refused = append(refused, events[r.Index].ID)
		}
		events = events[done:]
		if err == nil {
			return refused, failures
		}
		failures = append(failures, err)
	}
	t.Errorf("%d events are left after %d tries: %v", len(events), tries, failures)
	return refused, failures
}

// times fails the first requests.
func times(n int, fail failure) failure {
	return func(w http.ResponseWriter, r *http.Request, ids []string) bool {
		if n--; n >= 0 {
			return fail(w, r, ids)
		}
		return true
	}
}

func status(code int) failure {
	return func(w http.ResponseWriter, _ *http.Request, _ []string) bool {
		w.WriteHeader(code)
		return false
	}
}

// cut ends the connection in the middle of an answer.
func cut(w http.ResponseWriter, _ *http.Request, _ []string) bool {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_, err = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
	}
	if err == nil {
		err = conn.Close()
	}
	return err != nil
}

// slow answers after the timeout.
func slow(_ http.ResponseWriter, r *http.Request, _ []string) bool {
	<-r.Context().Done()
	return false
}

func closed(w http.ResponseWriter, _ *http.Request, _ []string) bool {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		err = conn.(*net.TCPConn).SetLinger(0)
	}
	if err == nil {
		err = conn.Close()
	}
	return err != nil
}

// The server fails in ways of its own. Every event arrives once, in order, whether the server had kept
// it before it failed or not; what it refuses is told apart; an id that it knows is settled.
func TestServerFailsInTenWays(t *testing.T) {
	tooLarge := func(w http.ResponseWriter, r *http.Request, ids []string) bool {
		return len(ids) <= 2 || status(http.StatusRequestEntityTooLarge)(w, r, ids)
	}
	refusesOne := func(w http.ResponseWriter, r *http.Request, ids []string) bool {
		return !slices.Contains(ids, "r-n3-1") || status(http.StatusUnprocessableEntity)(w, r, ids)
	}
	elsewhere := func(w http.ResponseWriter, r *http.Request, _ []string) bool {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		return false
	}
	for name, c := range map[string]struct {
		fail    failure
		hold    bool
		tries   int
		refused []string
	}{
		"500":                     {times(2, status(500)), false, 3, nil},
		"503, kept":               {times(2, status(503)), true, 3, nil},
		"timeout":                 {times(1, slow), false, 2, nil},
		"timeout, kept":           {times(1, slow), true, 2, nil},
		"half an answer, kept":    {times(1, cut), true, 2, nil},
		"connection reset":        {times(2, closed), false, 3, nil},
		"401":                     {times(1, status(401)), false, 2, nil},
		"redirect":                {times(1, elsewhere), false, 2, nil},
		"429":                     {times(1, status(429)), false, 2, nil},
		"413 over two events":     {tooLarge, false, 1, nil},
		"422 of one event":        {refusesOne, false, 1, []string{"r-n3-1"}},
		"409 of what it has kept": {times(1, status(409)), true, 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			s.fail, s.hold = c.fail, c.hold
			h, err := webhook.Open(config(t, s.url, 4))
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			all := events(t, 10)
			refused, failures := settle(t, h, all, c.tries)
			var want []string
			for i := range all {
				if !slices.Contains(c.refused, all[i].ID) {
					want = append(want, all[i].ID)
				}
			}
			if !slices.Equal(s.has, want) || !slices.Equal(refused, c.refused) {
				t.Errorf("it has %v, refused %v; want %v, %v", s.has, refused, want, c.refused)
			}
			for _, err := range failures {
				if strings.Contains(err.Error(), s.url) || strings.Contains(err.Error(), "c-1") {
					t.Errorf("the error quotes the address or a value: %v", err)
				}
			}
		})
	}
}

func TestRetryAfterIsReported(t *testing.T) {
	for text, want := range map[string]time.Duration{"7": 7 * time.Second, "": 0, "soon": 0} {
		s := serve(t)
		s.fail = func(w http.ResponseWriter, _ *http.Request, _ []string) bool {
			w.Header().Set("Retry-After", text)
			w.WriteHeader(http.StatusServiceUnavailable)
			return false
		}
		h, err := webhook.Open(config(t, s.url, 1))
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = h.Deliver(t.Context(), delivery.Batch{Events: events(t, 1)})
		asked, ok := errors.AsType[*delivery.RetryAfterError](err)
		if err == nil || ok != (want > 0) || ok && asked.After != want {
			t.Errorf("%q: %v", text, err)
		}
		h.Close()
	}
}

// An answer of Lago to an id that it has, alone and in a batch, and the answers of CGRateS, which are
// 200 whatever they say: as their documents have them.
func TestKnownAndFailedAnswers(t *testing.T) {
	const (
		lago = `{"status":422,"error":"Unprocessable Entity","code":"validation_errors",` +
			`"error_details":{"transaction_id":["value_already_exist"]}}`
		lagoBatch = `{"status":422,"error":"Unprocessable Entity","code":"validation_errors",` +
			`"error_details":{"0":{"transaction_id":["value_already_exist"]}}}`
		lagoOther = `{"status":422,"error_details":{"code":["metric_not_found"]}}`
		exists    = `{"id":"r-n0-1","result":null,"error":"EXISTS"}`
		serverErr = `{"id":"r-n0-1","result":null,"error":"SERVER_ERROR: no such account"}`
		fine      = `{"id":"r-n0-1","result":"OK","error":null}`
	)
	for name, c := range map[string]struct {
		status        int
		body          string
		known, failed string
		refused       int
	}{
		"Lago, known":            {422, lago, "value_already_exist", "", 0},
		"Lago, known in a batch": {422, lagoBatch, "value_already_exist", "", 0},
		"Lago, another reason":   {422, lagoOther, "value_already_exist", "", 1},
		"CGRateS, fine":          {200, fine, `"EXISTS"`, `"error": *"`, 0},
		"CGRateS, known":         {200, exists, `"EXISTS"`, `"error": *"`, 0},
		"CGRateS, failed":        {200, serverErr, `"EXISTS"`, `"error": *"`, 1},
	} {
		s := serve(t)
		s.fail = func(w http.ResponseWriter, _ *http.Request, _ []string) bool {
			w.WriteHeader(c.status)
			_, err := w.Write([]byte(c.body))
			return err != nil
		}
		conf := config(t, s.url, 1)
		conf.Known = regexp.MustCompile(c.known)
		if c.failed != "" {
			conf.Failed = regexp.MustCompile(c.failed)
		}
		h, err := webhook.Open(conf)
		if err != nil {
			t.Fatal(err)
		}
		refused, _ := settle(t, h, events(t, 1), 1)
		if len(refused) != c.refused {
			t.Errorf("%s: refused %v", name, refused)
		}
		h.Close()
	}
}

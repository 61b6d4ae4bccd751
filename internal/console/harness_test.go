package console

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/live"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	openCall  = metering.CallID("pbx1-open")
	caller    = "c-abcdefghzzzzzzzzzzzzzzzzzzzzzzzzzz"
	secretRef = "invalid-4711"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// books is a ledger of some records.
type books struct {
	ledger.Reader // what is not overridden fails
	records       []metering.Record
	evidence      map[metering.CallID][][]byte
	begun, slow   chan struct{} // Records tells that it has begun, and waits
}

func (b *books) CallOf(_ context.Context, record string) (metering.CallID, error) {
	for _, r := range b.records {
		if r.Record == record {
			return r.Call, nil
		}
	}
	return "", ledger.ErrNotFound
}

func (b *books) Record(_ context.Context, call metering.CallID) ([]byte, error) {
	if v, _ := b.Versions(context.Background(), call); len(v) > 0 {
		return v[len(v)-1], nil
	}
	return nil, ledger.ErrNotFound
}

func (b *books) Versions(_ context.Context, call metering.CallID) (all [][]byte, err error) {
	for _, r := range b.records {
		if r.Call == call {
			all = append(all, r.JSON())
		}
	}
	return all, nil
}

func (b *books) Evidence(_ context.Context, call metering.CallID) ([][]byte, error) {
	return b.evidence[call], nil
}

func (b *books) Records(ctx context.Context, q ledger.Query, f func([]byte) error) error {
	if b.slow != nil {
		select {
		case b.begun <- struct{}{}:
		default:
		}
		select {
		case <-b.slow:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, r := range b.records {
		if !r.ArrivedAt.Before(q.Since) && r.ArrivedAt.Before(q.Until) {
			if err := f(r.JSON()); err != nil {
				return err
			}
		}
	}
	return nil
}

// recorded is a call of the test data, replayed: a record, and its evidence.
func recorded(t *testing.T) (metering.Record, [][]byte) {
	t.Helper()
	text, err := os.ReadFile("../../integration/testdata/traces/hold-transfer/ari.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	operators, err := mediation.NewGlobs("PJSIP/agent*")
	if err != nil {
		t.Fatal(err)
	}
	price := &tariff.Tariff{
		Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR",
	}
	m := mediation.New(mediation.Rules{
		Service:   func(c ari.Channel) (string, bool) { return c.Exten, c.Endpoint() == "PJSIP/trunk" },
		Operators: operators, Pseudonym: func(metering.Number) string { return caller },
		Terms: func(string, time.Time) metering.Terms { return metering.Terms{Tariff: price} },
	})
	var out mediation.Output
	for line := range bytes.Lines(text) {
		m.Feed(ari.Frame{Raw: line}, &out)
	}
	m.Finish(&out)
	if len(out.Records) == 0 {
		t.Fatal("the recording has no record")
	}
	r := out.Records[0]
	var frames [][]byte
	for _, e := range out.Evidence {
		if e.Call == r.Call {
			frames = append(frames, e.Frame)
		}
	}
	return r, frames
}

// view is a view with one call of each state, from a state that was made by hand.
func view() live.View {
	v := live.View{
		At:   metering.Time{Time: noon},
		PBXs: []live.PBXRow{{Name: "milano", Synced: true, Committed: true}},
	}
	for i, state := range live.States() {
		v.States = append(v.States, live.Count{State: state, Calls: i})
		v.Calls = append(v.Calls, live.CallRow{
			Call: metering.CallID("pbx1-" + state), State: state, Doing: "talk", Amount: "0.14",
			Currency: "EUR", Caller: caller, Operator: "<script>alert(1)</script>",
		})
	}
	return v
}

// site is a console behind HTTP.
type site struct {
	t       *testing.T
	url     string
	made    atomic.Int64 // views
	fail    atomic.Bool
	done    chan struct{}
	books   *books
	console *Console
}

func serve(t *testing.T, b *books) *site {
	t.Helper()
	s := &site{t: t, done: make(chan struct{}), books: b}
	c := New(func(context.Context) (live.View, error) {
		v := view()
		v.Pending = s.made.Add(1)
		if s.fail.Load() {
			return v, errors.New("the ledger is gone")
		}
		return v, nil
	}, b, s.done)
	c.now = func() time.Time { return noon }
	s.console = c
	mux := http.NewServeMux()
	c.Register(mux)
	srv := httptest.NewServer(mux)
	s.url = srv.URL
	t.Cleanup(func() {
		srv.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return s
}

func (s *site) get(path string, header ...string) (code int, body string, h http.Header) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer s.close(resp)
	var b strings.Builder
	if _, err := bufio.NewReader(resp.Body).WriteTo(&b); err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, b.String(), resp.Header
}

func (s *site) close(resp *http.Response) {
	s.t.Helper()
	if err := resp.Body.Close(); err != nil {
		s.t.Error(err)
	}
}

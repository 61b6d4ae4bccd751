package console

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
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
	price := &tariff.Tariff{Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR"}
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
	v := live.View{At: metering.Time{Time: noon}, PBXs: []live.PBXRow{{Name: "milano", Synced: true, Committed: true}}}
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
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if _, err := bufio.NewReader(resp.Body).WriteTo(&b); err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, b.String(), resp.Header
}

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

// watch opens an event stream, and returns its lines.
func (s *site) watch(ctx context.Context) (*http.Response, *bufio.Scanner) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/en/events", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, bufio.NewScanner(resp.Body)
}

// The stream has each section, its data as the page has it, and ends with the gateway.
func TestSectionsAreSent(t *testing.T) {
	s := serve(t, &books{})
	resp, lines := s.watch(t.Context())
	defer resp.Body.Close()
	seen := map[string]bool{}
	for len(seen) < len(sectionIDs) && lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			seen[id] = true
		} else if text := lines.Text(); text != "" && !strings.HasPrefix(text, "data: ") {
			t.Errorf("a line that is no data: %q", text)
		}
	}
	for _, id := range sectionIDs {
		if !seen[id] {
			t.Errorf("section %s was not sent", id)
		}
	}
	close(s.done)
	for lines.Scan() { // until the end of the stream
	}
}

func TestThoseWhoWatchAreBounded(t *testing.T) {
	s := serve(t, &books{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range maxWatchers {
		resp, lines := s.watch(ctx)
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !lines.Scan() {
			t.Fatalf("a stream answers %s", resp.Status)
		}
	}
	resp, _ := s.watch(ctx)
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("stream %d answers %s, want 503", maxWatchers+1, resp.Status)
	}
	if code, _, _ := s.get("/en/"); code != http.StatusOK {
		t.Errorf("the page answers %d while many watch", code)
	}
	cancel() // they go, and there is room again
	for end := time.Now().Add(10 * time.Second); ; {
		resp, _ := s.watch(t.Context())
		code := resp.StatusCode
		resp.Body.Close()
		if code == http.StatusOK {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("a stream answers %d after the others have gone", code)
		}
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

// The page of a call has each second with its reason, each version, and no reference of an exemption.
func TestTheCallsPage(t *testing.T) {
	r, frames := recorded(t)
	later := r
	later.Record, later.Version = "r-x-2", 2
	later.Reasons = []metering.Reason{metering.ReasonExempt, metering.ReasonCredited}
	later.Exempt, later.ExemptionRef = true, secretRef
	b := &books{
		records: []metering.Record{r}, evidence: map[metering.CallID][][]byte{r.Call: frames, openCall: frames[:3]},
	}
	s := serve(t, b)
	code, body, _ := s.get("/it/calls/" + string(r.Call))
	for _, want := range []string{
		"0,14 EUR", "9,478 s", "byte per byte", `<svg class="chart" role="img"`, "conversazione con PJSIP/agent1",
		"addebitata", r.Record, "sospesa: nessuna conversazione",
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
	if strings.Contains(body, secretRef) {
		t.Error("the reference of an exemption is on the page")
	}
	delete(b.evidence, r.Call)
	if _, body, _ = s.get("/en/calls/" + string(r.Call)); !strings.Contains(body, "the evidence are erased") {
		t.Errorf("the page of an erased call:\n%s", body)
	}
}

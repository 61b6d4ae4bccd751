// Package console is the page of the gateway: what it meters now, and why a call cost what it cost.
//
// In: a [Source], which makes a view of what is going on, and the ledger. Out: an HTTP handler with
// pages in English and Italian, which need no script; one small script of ours keeps the first page
// as it is now (server-sent events). It only reads, asks nothing of a PBX, and is bounded: in what is
// shown, how often it is made anew, and for how many at once. While nobody looks it does nothing.
// It knows no password: who may look is decided before it.
package console

import (
	"context"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/text/language"

	"github.com/risposta/gateway/internal/live"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// Ledger is the side of the ledger that the console needs.
type Ledger interface {
	ledger.Reader
}

// Source makes a view of this moment. One goroutine at a time calls it.
type Source func(ctx context.Context) (live.View, error)

// The bounds of the console.
const (
	// viewEvery is how often a view is made, at most, however many look.
	viewEvery = 2 * time.Second
	// maxWatchers bounds those whose page is kept as it is now. One more is told to try later, and may
	// load the page again.
	maxWatchers = 16
	// requestTimeout bounds the reading of the ledger for one page.
	requestTimeout = 4 * time.Second
)

// Console serves the pages. Make it with New.
type Console struct {
	source Source
	ledger Ledger
	done   <-chan struct{} // closed when the gateway ends
	now    func() time.Time

	watchers chan struct{} // a token for each
	searches chan struct{} // one at a time

	mu       sync.Mutex
	made     time.Time
	view     live.View
	failed   error
	rendered map[string][]section // of the view, by language
}

// New makes a console. When done is closed, it lets go of those who watch.
func New(source Source, l Ledger, done <-chan struct{}) *Console {
	return &Console{
		source: source, ledger: l, done: done, now: time.Now,
		watchers: make(chan struct{}, maxWatchers), searches: make(chan struct{}, 1),
	}
}

//go:embed *.html
var htmlFiles embed.FS

//go:embed style.css live.js
var staticFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"clock": clock, "span": span, "minutes": minutes, "short": short,
}).ParseFS(htmlFiles, "*.html"))

// Register adds the pages to a mux: / leads to the page in the language of the reader.
func (c *Console) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(resp http.ResponseWriter, req *http.Request) {
		resp.Header().Set("Vary", "Accept-Language")
		http.Redirect(resp, req, "/"+preferred(req)+"/", http.StatusSeeOther)
	})
	for code := range languages {
		t := languages[code]
		page := func(f func(http.ResponseWriter, *http.Request, texts)) http.HandlerFunc {
			return func(resp http.ResponseWriter, req *http.Request) {
				ctx, cancel := context.WithTimeout(req.Context(), requestTimeout)
				defer cancel()
				f(resp, req.WithContext(ctx), t)
			}
		}
		mux.HandleFunc("GET /"+code+"/{$}", page(c.overview))
		mux.HandleFunc("GET /"+code+"/search", page(c.search))
		mux.HandleFunc("GET /"+code+"/calls/{call}", page(c.call))
		mux.HandleFunc("GET /"+code+"/events", func(resp http.ResponseWriter, req *http.Request) {
			c.watch(resp, req, t)
		})
	}
	for _, name := range []string{"style.css", "live.js"} {
		mux.HandleFunc("GET /static/"+name, func(resp http.ResponseWriter, req *http.Request) {
			resp.Header().Set("Cache-Control", "no-cache")
			http.ServeFileFS(resp, req, staticFiles, name)
		})
	}
	mux.HandleFunc("GET /live.json", c.liveJSON)
}

// preferred is the language of the pages that the reader's browser asks for.
func preferred(req *http.Request) string {
	wanted, _, err := language.ParseAcceptLanguage(req.Header.Get("Accept-Language"))
	if err != nil {
		return "en"
	}
	_, i, _ := language.NewMatcher([]language.Tag{language.English, language.Italian}).Match(wanted...)
	return []string{"en", "it"}[i]
}

// current is the present view, made anew where it is older than viewEvery.
func (c *Console) current(ctx context.Context) (live.View, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refresh(ctx)
	return c.view, c.failed
}

// refresh makes the view anew where it is time.
func (c *Console) refresh(ctx context.Context) {
	now := c.now()
	if !c.made.IsZero() && now.Sub(c.made) < viewEvery && now.Sub(c.made) >= 0 {
		return
	}
	// Others look at it, too: it is made whether or not this reader waits.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	c.view, c.failed = c.source(ctx)
	c.made, c.rendered = now, map[string][]section{}
}

// sections are the parts of the first page that are kept as they are now.
func (c *Console) sections(ctx context.Context, t texts) ([]section, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refresh(ctx)
	if c.failed != nil {
		return nil, c.failed
	}
	if have, ok := c.rendered[t.Lang]; ok {
		return slices.Clone(have), nil
	}
	made, err := renderSections(t, c.view)
	if err != nil {
		return nil, err
	}
	c.rendered[t.Lang] = made
	return slices.Clone(made), nil
}

// safe sets what keeps other sites, and whatever a name could smuggle in, away from the page.
func safe(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; "+
		"connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "+
		"frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// callPath is the address of a call's page.
func callPath(lang string, call metering.CallID) string {
	return "/" + lang + "/calls/" + url.PathEscape(string(call))
}

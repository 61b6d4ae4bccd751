//go:build live

package console

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/pageaudit"
)

var shots = flag.String("shots", "", "a folder in which to leave pictures of the pages")

// browserDeadline bounds each wait, on a machine that does other work.
const browserDeadline = 3 * time.Minute

// The page is kept as it is now by its own script, which its policy allows; what has the focus keeps
// it; a pause ends the stream, and going on begins it again.
func TestLivePageIsKeptAsItIs(t *testing.T) {
	s := serve(t, &books{})
	s.console.now = time.Now
	p := pageaudit.Start(t).Open(t, s.url+"/it/")
	p.Until(updating, italian.Live)
	p.Text(`document.getElementById("c-pbx1-charged").focus()`)
	const shown = `Number(document.querySelector("#now .warn").textContent.match(/\d+/)[0])`
	p.Until(shown+" > "+p.Text(shown), "true") // each view has one more
	if id := p.Text(`document.activeElement.id`); id != "c-pbx1-charged" {
		t.Errorf("the focus is at %q after the page was made anew", id)
	}
	p.Text(pause)
	p.Until(updating, italian.Paused)
	for end := time.Now().Add(browserDeadline); len(s.console.watchers) > 0; {
		if time.Now().After(end) {
			t.Fatal("a page that is paused is still sent")
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.Text(pause)
	p.Until(updating, italian.Live)
}

const (
	updating = `document.getElementById("updating").textContent`
	pause    = `document.getElementById("pause").click()`
)

// Each state of each page keeps each rule, in a real browser, in both languages.
func TestLivePagesKeepTheRules(t *testing.T) {
	browser := pageaudit.Start(t)
	for lang, text := range languages {
		for name, state := range states() {
			t.Run(lang+" "+name, func(t *testing.T) {
				s := state.serve(t)
				page := pageaudit.Page{
					Address: s.url + "/" + lang + state.path, Language: lang, Own: true,
					Files: []string{"/static/style.css", "/static/live.js", "/" + lang + "/events"},
				}
				if state.ready != nil {
					page.Ready = func(p *pageaudit.Tab) { state.ready(p, text) }
				}
				for _, f := range browser.Audit(t, page) {
					t.Errorf("%s: %s", f.Rule, f.Text)
				}
				if *shots != "" {
					browser.Open(t, page.Address).Pictures(filepath.Join(*shots, lang+"-"+name))
				}
			})
		}
	}
}

// brokenPages are changes of the pages or of their style, each with the rule that it breaks.
var brokenPages = []struct{ state, check, rule, old, new string }{
	{"busy", "structure", "language", `<html lang="it">`, `<html lang="en">`},
	{"busy", "structure", "headings", `<h3>`, `<h4>`},
	{"busy", "structure", "table heads", `<th scope="row">`, `<td>`},
	{"busy", "structure", "table heads", `<table aria-labelledby="calls-head">`, `<table>`},
	{"busy", "structure", "colour alone", "body {", "main a { text-decoration: none } body {"},
	{"call", "structure", "colour alone", `<text class="name"`, `<text class="other"`},
	{"busy", "names", "landmarks", `<main`, `<div`},
	{"busy", "names", "names", `<label for="q">`, `<label for="x">`},
	{"call", "names", "chart names", `role="img" aria-labelledby="chart-title"`, `aria-labelledby="chart-title"`},
	{"busy", "contrast", "contrast of text, light", "--charged: #0b57d0", "--charged: #79a8f0"},
	{"busy", "contrast", "contrast of text, dark", "--exempt: #d9a2f2", "--exempt: #5a2f6a"},
	{"call", "contrast", "contrast of graphics, light", "--held: #8a5300", "--held: #f0c080"},
	{"busy", "contrast", "contrast of graphics, dark", "--edge: #858d99", "--edge: #363b44"},
	{"call", "contrast", "contrast of graphics, forced", "--held: CanvasText", "--held: Canvas"},
	{"busy", "contrast", "contrast of text, print", "/* print */", "main { color: #999999 }"},
	{"call", "reflow", "reflow", ".wide { overflow-x: auto;", ".wide {"},
	{"busy", "reflow", "clipped", "h3 {", "h3 { height: 1ex; overflow: hidden;"},
	{"call", "reflow", "larger text", ".chart text {", ".chart text { font-size: 13px;"},
	{"call", "reflow", "overlap", ".chart text {", ".chart text { font-size: 2rem;"},
	{"call", "reflow", "scroll regions", `aria-label="Cronologia: disegno"`, `aria-labelledby="timeline"`},
	{"busy", "keyboard", "keyboard", `<button type="submit">`, `<button type="submit" tabindex="-1">`},
	{"busy", "keyboard", "focus", ".skip:focus {", ".skip:focus { margin-left: -300rem;"},
	{"busy", "spacing", "text spacing", "h2 {", "h2 { height: 1.4em; overflow: hidden;"},
	{"call", "print", "print", "/* print */", "table { min-width: 60rem; }"},
	{"busy", "scripts", "scripts", `</body>`, `<script>document.title</script></body>`},
	{"busy", "scripts", "scripts", `script-src 'self'`, `script-src 'self' 'unsafe-inline'`},
	{"busy", "scripts", "other files", `</main>`, `<img alt="logo" src="/logo.png"/></main>`},
}

// Each rule is seen to fail on these pages, too.
func TestLiveBrokenPageBreaksItsRule(t *testing.T) {
	browser := pageaudit.Start(t)
	for _, b := range brokenPages {
		t.Run(b.rule+" "+b.new, func(t *testing.T) {
			state, ok := states()[b.state]
			if !ok {
				t.Fatalf("there is no state %s", b.state)
			}
			url, changed := serveBroken(t, state.serve(t), b.old, b.new)
			page := pageaudit.Page{
				Address: url + "/it" + state.path, Language: "it", Own: true,
				Files: []string{"/static/style.css", "/static/live.js", "/it/events"},
			}
			found := browser.Audit(t, page, b.check)
			if !changed() {
				t.Fatalf("no page has %s", b.old)
			}
			if !pageaudit.Breaks(found, b.rule) {
				t.Errorf("%s for %s was not found, but %v", b.new, b.old, found)
			}
		})
	}
}

// serveBroken serves a site with one text of its pages, styles and policies replaced, and without the
// stream, which would mend it.
func serveBroken(t *testing.T, s *site, old, other string) (url string, changed func() bool) {
	t.Helper()
	found := make(chan struct{}, 1)
	broken := func(text string) string {
		if strings.Contains(text, old) {
			select {
			case found <- struct{}{}:
			default:
			}
		}
		return strings.Replace(text, old, other, 1)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(resp http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/events") || req.URL.Path == "/logo.png" {
			http.Error(resp, "left out", http.StatusServiceUnavailable)
			return
		}
		code, body, header := s.get(req.URL.RequestURI())
		for _, name := range []string{"Content-Type", "Content-Security-Policy"} {
			resp.Header().Set(name, broken(header.Get(name)))
		}
		resp.WriteHeader(code)
		fmt.Fprint(resp, broken(body))
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func() bool { return len(found) > 0 }
}

//go:build live

package console

import (
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/risposta/gateway/metering"
)

// browserDeadline bounds each wait, on a machine that does other work.
const browserDeadline = 3 * time.Minute

// openInBrowser shows a page in Debian's Chromium.
func openInBrowser(t *testing.T, url string, pixels int64) *tab {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath("chromium-headless-shell")}
	if os.Geteuid() == 0 { // Chromium's sandbox refuses root; the pages are our own
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewContext(context.WithoutCancel(t.Context()),
		chromedp.WithAllocatorOptions(options...))
	ctx, cancel := context.WithTimeout(ctx, 2*browserDeadline)
	t.Cleanup(func() {
		cancel()
		stop()
	})
	p := &tab{t: t, ctx: ctx}
	p.do(chromedp.EmulateViewport(pixels, 900), chromedp.Navigate(url))
	return p
}

type tab struct {
	t   *testing.T
	ctx context.Context
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatalf("in the browser, which scripts/setup installs: %v", err)
	}
}

// text is what an expression gives.
func (p *tab) text(expression string) string {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		p.t.Fatalf("evaluating %s: %v", expression, err)
	}
	return value
}

func (p *tab) until(expression, want string) {
	p.t.Helper()
	for end := time.Now().Add(browserDeadline); ; time.Sleep(50 * time.Millisecond) {
		got := p.text(expression)
		if got == want {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("%s is %q, want %q", expression, got, want)
		}
	}
}

// The page is kept as it is now by its own script, which its policy allows; what has the focus keeps
// it; a pause ends the stream, and going on begins it again.
func TestLivePageIsKeptAsItIs(t *testing.T) {
	s := serve(t, &books{})
	s.console.now = time.Now
	p := openInBrowser(t, s.url+"/it/", 1280)
	p.until(`document.getElementById("updating").textContent`, italian.Live)
	p.text(`document.getElementById("c-pbx1-charged").focus()`)
	const shown = `Number(document.querySelector("#now .warn").textContent.match(/\d+/)[0])`
	p.until(shown+" > "+p.text(shown), "true") // each view has one more
	if id := p.text(`document.activeElement.id`); id != "c-pbx1-charged" {
		t.Errorf("the focus is at %q after the page was made anew", id)
	}
	p.text(`document.getElementById("pause").click()`)
	p.until(`document.getElementById("updating").textContent`, italian.Paused)
	for end := time.Now().Add(browserDeadline); len(s.console.watchers) > 0; {
		if time.Now().After(end) {
			t.Fatal("a page that is paused is still sent")
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.text(`document.getElementById("pause").click()`)
	p.until(`document.getElementById("updating").textContent`, italian.Live)
}

// The pages fit a screen of 320 pixels, and what a name holds is text.
func TestLivePagesFitASmallScreen(t *testing.T) {
	r, frames := recorded(t)
	b := &books{evidence: map[metering.CallID][][]byte{r.Call: frames}}
	b.records = append(b.records, r)
	s := serve(t, b)
	for _, path := range []string{
		"/it/", "/en/", "/it/calls/" + string(r.Call), "/en/search?q=" + caller, "/en/search?q=nothing",
	} {
		p := openInBrowser(t, s.url+path, 320)
		if wide := p.text(`document.documentElement.scrollWidth > innerWidth`); wide != "false" {
			t.Errorf("%s is wider than 320 pixels: %s", path, p.text(`document.documentElement.scrollWidth`))
		}
		if heads := p.text(`document.querySelectorAll("h1").length`); heads != "1" {
			t.Errorf("%s has %s first headings", path, heads)
		}
		styled := p.text(`getComputedStyle(document.querySelector("header")).display`)
		if styled != "flex" {
			t.Errorf("%s has not its style: its policy forbids it, or it is not there (%s)", path, styled)
		}
	}
	if code, _, _ := s.get("/static/style.css"); code != http.StatusOK {
		t.Errorf("the style: %d", code)
	}
}

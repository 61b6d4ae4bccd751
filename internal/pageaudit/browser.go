//go:build live

package report

import (
	"context"
	_ "embed"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

//go:embed testdata/audit.js
var auditScript string

// browserTimeout is the limit of one page, on a machine that does other work.
const browserTimeout = 5 * time.Minute

// startBrowser starts Debian's Chromium without a window.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath("chromium-headless-shell")}
	if os.Geteuid() == 0 { // Chromium's sandbox refuses root; the pages are our own
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewContext(context.WithoutCancel(t.Context()),
		chromedp.WithAllocatorOptions(options...))
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting chromium-headless-shell, which scripts/setup installs: %v", err)
	}
	return ctx
}

// tab is a page in the browser.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string
}

// openTab shows a page in a tab of its own.
func openTab(browser context.Context, t *testing.T, html string) *tab {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(html), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, closeTab := chromedp.NewContext(browser)
	ctx, cancel := context.WithTimeout(ctx, browserTimeout)
	t.Cleanup(func() {
		cancel()
		closeTab()
	})
	p := &tab{t: t, ctx: ctx}
	p.do(chromedp.EmulateViewport(1280, 900))
	err := chromedp.Listen(ctx, func(event any) {
		if request, ok := event.(*network.EventRequestWillBeSent); ok {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.requests = append(p.requests, request.Request.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	call(p, network.Enable, network.EnableParams{})
	p.do(chromedp.Navigate((&url.URL{Scheme: "file", Path: path}).String()))
	return p
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// get is what an action returns.
func get[T any](p *tab, action chromedp.Action[T]) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, action)
	if err != nil {
		p.t.Fatal(err)
	}
	return value
}

// call sends a command of the protocol.
func call[P, R any](p *tab, command cdp.Command[P, R], params P) (result R) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) (err error) {
		result, err = chromedp.Call(ctx, command, params)
		return err
	}))
	return result
}

// media shows the page as a screen or a printer does, with a feature that the reader prefers.
func (p *tab) media(kind, feature, value string) {
	p.t.Helper()
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: kind, Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
	})
}

func (p *tab) width(pixels int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(pixels, 900))
}

// eval is the value of an expression of testdata/audit.js.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	return get(p, chromedp.Evaluate[T]("{"+auditScript+"\naudit."+expression+"}"))
}

// find gives findings the name of their rule.
func (p *tab) find(rule, expression string) (found []finding) {
	p.t.Helper()
	for _, text := range eval[[]string](p, expression) {
		found = append(found, finding{rule, text})
	}
	return found
}

// change evaluates an expression of testdata/audit.js that changes how the page is shown.
func (p *tab) change(expression string) {
	p.t.Helper()
	eval[chromedp.Void](p, expression)
}

// press presses the Tab key.
func (p *tab) press() {
	p.t.Helper()
	p.do(chromedp.KeyEvent(kb.Tab))
}

// tree is the accessibility tree without what readers of screens leave out.
func (p *tab) tree() []*accessibility.Node {
	p.t.Helper()
	call(p, accessibility.Enable, cdp.Empty{})
	nodes := call(p, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes
	return slices.DeleteFunc(nodes, func(n *accessibility.Node) bool { return n.Ignored })
}

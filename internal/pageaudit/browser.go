package pageaudit

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

//go:embed audit.js
var auditScript string

// timeout bounds one page, on a machine that does other work.
const timeout = 5 * time.Minute

// Browser is Debian's Chromium without a window. Make it with Start.
type Browser struct{ ctx context.Context }

// Start starts the browser. It trusts the TLS keys that trusted names by the base64 of the SHA-256 of
// each.
func Start(t *testing.T, trusted ...string) *Browser {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath("chromium-headless-shell")}
	if os.Geteuid() == 0 { // Chromium's sandbox refuses root; the pages are our own
		options = append(options, chromedp.NoSandbox)
	}
	if len(trusted) > 0 {
		options = append(options,
			chromedp.Flag("ignore-certificate-errors-spki-list", strings.Join(trusted, ",")))
	}
	ctx, stop := chromedp.NewContext(context.WithoutCancel(t.Context()),
		chromedp.WithAllocatorOptions(options...))
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting chromium-headless-shell, which scripts/setup installs: %v", err)
	}
	return &Browser{ctx}
}

// Tab is a page in the browser.
type Tab struct {
	t     *testing.T
	ctx   context.Context
	close func()

	policy string // the header Content-Security-Policy

	mu       sync.Mutex
	requests []string
}

// Open shows a page in a tab of its own, 1,280 pixels wide. It closes it at the end of the test.
func (b *Browser) Open(t *testing.T, address string) *Tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(b.ctx)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	p := &Tab{t: t, ctx: ctx, close: sync.OnceFunc(func() {
		cancel()
		closeTab()
	})}
	t.Cleanup(p.close)
	p.Width(1280)
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
	for name, value := range get(p, chromedp.NavigateResponse(address)).Headers {
		if strings.EqualFold(name, "Content-Security-Policy") {
			p.policy = fmt.Sprint(value)
		}
	}
	return p
}

// File writes a page into a file of the test, and returns its address.
func File(t *testing.T, html string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(html), 0o600); err != nil {
		t.Fatal(err)
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

func (p *Tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// get is what an action returns.
func get[T any](p *Tab, action chromedp.Action[T]) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, action)
	if err != nil {
		p.t.Fatal(err)
	}
	return value
}

// call sends a command of the protocol.
func call[P, R any](p *Tab, command cdp.Command[P, R], params P) (result R) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) (err error) {
		result, err = chromedp.Call(ctx, command, params)
		return err
	}))
	return result
}

// media shows the page as a screen or a printer does, with a feature that the reader prefers.
func (p *Tab) media(kind, feature, value string) {
	p.t.Helper()
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: kind, Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
	})
}

// Width makes the window so many pixels wide.
func (p *Tab) Width(pixels int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(pixels, 900))
}

// Text is the value of an expression of JavaScript as text.
func (p *Tab) Text(expression string) string {
	p.t.Helper()
	return get(p, chromedp.Evaluate[string]("String("+expression+")"))
}

// Until waits until an expression has a value.
func (p *Tab) Until(expression, want string) {
	p.t.Helper()
	for end := time.Now().Add(timeout); ; time.Sleep(50 * time.Millisecond) {
		got := p.Text(expression)
		if got == want {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("%s is %q, want %q", expression, got, want)
		}
	}
}

// eval is the value of an expression of audit.js.
func eval[T any](p *Tab, expression string) T {
	p.t.Helper()
	return get(p, chromedp.Evaluate[T]("{"+auditScript+"\naudit."+expression+"}"))
}

// find gives findings the name of their rule.
func (p *Tab) find(rule, expression string) (found []Finding) {
	p.t.Helper()
	for _, text := range eval[[]string](p, expression) {
		found = append(found, Finding{rule, text})
	}
	return found
}

// change evaluates an expression of audit.js that changes how the page is shown.
func (p *Tab) change(expression string) {
	p.t.Helper()
	eval[chromedp.Void](p, expression)
}

// press presses the Tab key.
func (p *Tab) press() {
	p.t.Helper()
	p.do(chromedp.KeyEvent(kb.Tab))
}

// tree is the accessibility tree without what readers of screens leave out.
func (p *Tab) tree() []*accessibility.Node {
	p.t.Helper()
	call(p, accessibility.Enable, cdp.Empty{})
	nodes := call(p, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes
	return slices.DeleteFunc(nodes, func(n *accessibility.Node) bool { return n.Ignored })
}

// Pictures leaves pictures of the page, for people to look at: light, dark, small and on paper.
func (p *Tab) Pictures(path string) {
	p.t.Helper()
	for name, pixels := range map[string]int64{"light": 1280, "dark": 1280, "small": 320} {
		p.media("screen", scheme, name)
		p.Width(pixels)
		p.write(path+"-"+name+".png", get(p, chromedp.FullScreenshot(100)))
	}
	p.media("", scheme, "dark") // a sheet of paper is white all the same
	p.write(path+".pdf", get(p, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4))))
}

func (p *Tab) write(path string, content []byte) {
	p.t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

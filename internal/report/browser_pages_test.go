//go:build live

package report

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/internal/pageaudit"
)

var shots = flag.String("shots", "", "a folder in which to leave pictures of the pages")

// Each page keeps each rule, in a real browser.
func TestLivePagesKeepTheRules(t *testing.T) {
	browser := pageaudit.Start(t)
	for _, language := range Languages() {
		for name, html := range samplePages(t, language) {
			t.Run(language+" "+name, func(t *testing.T) {
				page := pageaudit.Page{Address: pageaudit.File(t, html), Language: language}
				for _, f := range browser.Audit(t, page) {
					t.Errorf("%s: %s", f.Rule, f.Text)
				}
				if *shots != "" {
					browser.Open(t, page.Address).Pictures(filepath.Join(*shots, language+"-"+name))
				}
			})
		}
	}
}

const noStyle = "</style>"

func style(css string) string { return css + "\n" + noStyle }

// brokenPages are changes of the whole report in Italian, each with the rule that it breaks.
var brokenPages = []struct{ check, rule, old, new string }{
	{"structure", "language", `<html lang="it">`, `<html lang="en">`},
	{"structure", "title", `<title>Qualità del servizio 2026-H1</title>`, `<title> </title>`},
	{"structure", "headings", `<h2 id="definitions">`, `<h1 id="definitions">`},
	{"structure", "headings", `<h3 id="s1-figures">`, `<h4 id="s1-figures">`},
	{"structure", "table heads", `<th scope="row">2026-03</th>`, `<td>2026-03</td>`},
	{"structure", "table heads", `<th scope="col">Mese</th>`, `<th>Mese</th>`},
	{"structure", "table heads", `<caption>Obiettivi: assistenza clienti</caption>`, ``},
	{"structure", "colour alone", `>fino a 20 s</text>`, `></text>`},
	{"structure", "colour alone", `<text class="limit"`, `<text class="other"`},
	{"structure", "colour alone", noStyle, style(`a { text-decoration: none }`)},
	{"names", "landmarks", `<main>`, `<div>`},
	{"names", "landmarks", `<nav aria-label="Indice">`, `<div>`},
	{"names", "names", `<nav aria-label="Indice">`, `<nav>`},
	{"names", "names", `>Definizioni</a>`, `></a>`},
	{"names", "chart names", `aria-labelledby="s1-months-t"`, ``},
	{"names", "chart names", `aria-label="Soddisfazione, da 1 a 5: assistenza clienti" aria-d`, `aria-d`},
	{"names", "chart names", `role="img" aria-labelledby="s1-months-t"`, `aria-labelledby="s1-months-t"`},
	{"names", "chart names", `<desc id="s1-waits-d">`, `<desc></desc><g id="none">`},
	{"names", "table heads", `<table>`, `<table role="presentation">`},
	{"contrast", "contrast of text, light", `--ink: #1b1d21`, `--ink: #8a8a8a`},
	{"contrast", "contrast of text, light", `--soft: #50555e`, `--soft: #8a8a8a`},
	{"contrast", "contrast of text, dark", `--ink: #eceef1`, `--ink: #666666`},
	{"contrast", "contrast of text, dark", noStyle, style(`small { opacity: .4 }`)},
	{"contrast", "contrast of text, print", `--ink: #000000`, `--ink: #999999`},
	{"contrast", "contrast of text, forced", `--ink: CanvasText;`, `--ink: Canvas; forced-color-adjust: none;`},
	{"contrast", "contrast of graphics, light", `--bar: #1d5a9e`, `--bar: #a9c8ea`},
	{"contrast", "contrast of graphics, light", `--line: #7b818b`, `--line: #d0d0d0`},
	{"contrast", "contrast of graphics, dark", `--bar: #6ea8e8`, `--bar: #1d3c60`},
	{"reflow", "reflow", noStyle, style(`p { min-width: 30rem }`)},
	{"reflow", "reflow", noStyle, style(`.wide { overflow: visible }`)},
	{"reflow", "clipped", noStyle, style(`h3 { height: 1ex; overflow: hidden }`)},
	{"reflow", "larger text", noStyle, style(`small { font-size: 14px }`)},
	{"reflow", "overlap", noStyle, style(`.chart { font-size: .9375rem } .chart text { font-size: 2rem }`)},
	{"reflow", "scroll regions", ` tabindex="0"`, ``},
	{"reflow", "scroll regions", `role="region" `, ``},
	{"reflow", "scroll regions", `aria-label="Obiettivi: assis`, `aria-label="Indicatori: assis`},
	{"keyboard", "keyboard", `<a href="#definitions">`, `<a tabindex="3" href="#definitions">`},
	{"keyboard", "keyboard", `<a href="#definitions">`, `<a tabindex="-1" href="#definitions">`},
	{"keyboard", "focus", noStyle, style(`a:focus-visible { outline: none }`)},
	{"keyboard", "focus", noStyle, style(`.wide:focus-visible { outline-color: #e8e8e8 }`)},
	{"spacing", "text spacing", noStyle, style(`dd { height: 1.55rem; overflow: hidden }`)},
	{"spacing", "text spacing", noStyle, style(`.chart { font-size: 1.25rem }`)},
	{"print", "print", noStyle, style(`@media print { .wide { overflow: auto } table { min-width: 60rem } }`)},
	{"print", "print", noStyle, style(`@media print { table { min-width: 60rem } }`)},
	{"scripts", "scripts", `</body>`, `<script>document.title</script></body>`},
	{"scripts", "scripts", `<h1>`, `<h1 onclick="close()">`},
	{"scripts", "scripts", `default-src 'none'`, `default-src *`},
	{"scripts", "other files", `</main>`, `<img alt="logo" src="file:///logo.png"/></main>`},
}

// Each rule is seen to fail: a page that breaks it, and the rule that says so.
func TestLiveBrokenPageBreaksItsRule(t *testing.T) {
	browser := pageaudit.Start(t)
	whole := samplePages(t, "it")["whole"]
	for _, b := range brokenPages {
		t.Run(b.rule+" "+b.new, func(t *testing.T) {
			broken := strings.Replace(whole, b.old, b.new, 1)
			if broken == whole {
				t.Fatalf("the page has no %s", b.old)
			}
			page := pageaudit.Page{Address: pageaudit.File(t, broken), Language: "it"}
			if !pageaudit.Breaks(browser.Audit(t, page, b.check), b.rule) {
				t.Errorf("%s for %s was not found", b.new, b.old)
			}
		})
	}
}

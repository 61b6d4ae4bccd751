package pageaudit

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
)

// scheme is whether the reader prefers light or dark pages.
const scheme = "prefers-color-scheme"

func findStructure(p *Tab, page Page) (found []Finding) {
	if have := eval[string](p, "language()"); have != page.Language {
		found = append(found, Finding{"language", fmt.Sprintf("%q, want %q", have, page.Language)})
	}
	if strings.TrimSpace(eval[string](p, "title()")) == "" {
		found = append(found, Finding{"title", "the page has none"})
	}
	found = append(found, p.find("headings", "structure()")...)
	found = append(found, p.find("table heads", "heads()")...)
	return append(found, p.find("colour alone", "byColourAlone()")...)
}

// text is a value of the tree as text.
func text(v *accessibility.Value) (text string) {
	if v == nil || json.Unmarshal(v.Value, &text) != nil {
		return ""
	}
	return strings.TrimSpace(text)
}

// findNames reads the accessibility tree: what there is for those who do not see the page.
func findNames(p *Tab, _ Page) (found []Finding) {
	count, charts := map[string]int{}, map[string]bool{}
	for _, n := range p.tree() {
		role, name := text(n.Role), text(n.Name)
		count[role]++
		switch role {
		case "image", "img", "graphics-document", "SvgRoot":
			if name == "" || charts[name] || text(n.Description) == "" {
				found = append(found, Finding{
					"chart names", fmt.Sprintf("%s %q: %q", role, name, text(n.Description)),
				})
			}
			charts[name] = true
		case "link", "button", "textbox", "searchbox", "region", "navigation", "table", "article":
			if name == "" {
				found = append(found, Finding{"names", "a " + role + " has none"})
			}
		}
	}
	for _, role := range []string{"banner", "navigation", "main"} {
		if count[role] != 1 {
			found = append(found, Finding{"landmarks", fmt.Sprintf("%d of %s", count[role], role)})
		}
	}
	if want := eval[int](p, "charts()"); count["image"] != want {
		found = append(found, Finding{
			"chart names", fmt.Sprintf("%d of %d charts are images", count["image"], want),
		})
	}
	tables := eval[int](p, "tables()")
	columns, rows := count["columnheader"], count["rowheader"]
	if count["table"] != tables || columns < 2*tables || rows < tables {
		found = append(found, Finding{"table heads", fmt.Sprintf(
			"%d tables of %d, with heads of %d columns and %d rows", count["table"], tables, columns, rows)})
	}
	return found
}

// findContrast measures every text and every shape, in each appearance: WCAG 2.2, 1.4.3 and 1.4.11.
func findContrast(p *Tab, _ Page) (found []Finding) {
	for _, appearance := range []struct{ name, kind, feature, value string }{
		{"light", "screen", scheme, "light"}, {"dark", "screen", scheme, "dark"},
		{"print", "print", scheme, "dark"}, {"forced", "screen", "forced-colors", "active"},
	} {
		p.media(appearance.kind, appearance.feature, appearance.value)
		found = append(found, p.find("contrast of text, "+appearance.name, "textContrast()")...)
		found = append(found, p.find("contrast of graphics, "+appearance.name, "graphicContrast()")...)
	}
	return found
}

// findReflow shows the page 320 px wide, as it is at a zoom of 400 %, and with letters twice as large.
func findReflow(p *Tab, _ Page) (found []Finding) {
	look := func() {
		found = append(found, p.find("reflow", "outside()")...)
		found = append(found, p.find("clipped", "clipped()")...)
		found = append(found, p.find("overlap", "overlaps()")...)
	}
	look()
	p.Width(320)
	look()
	found = append(found, p.find("scroll regions", "regions()")...)
	p.Width(640)
	found = append(found, p.find("larger text", "enlarge()")...)
	look()
	return found
}

// findSpacing shows the page with the space between letters, words and lines that a reader may set.
func findSpacing(p *Tab, _ Page) (found []Finding) {
	p.change("space()")
	for _, pixels := range []int64{320, 1280} {
		p.Width(pixels)
		found = append(found, p.find("text spacing", "outside()")...)
		found = append(found, p.find("text spacing", "clipped()")...)
		found = append(found, p.find("text spacing", "overlaps()")...)
	}
	return found
}

// printed is the width of a sheet of A4 between margins of 1 cm, in pixels of 1/96 inch.
const printed = 718

func findPrint(p *Tab, _ Page) (found []Finding) {
	p.media("print", scheme, "light")
	p.Width(printed)
	return append(p.find("print", "cutInPrint()"), p.find("print", "overlaps()")...)
}

// findKeyboard walks through the page with the Tab key.
func findKeyboard(p *Tab, _ Page) (found []Finding) {
	for want := range eval[int](p, "count()") {
		p.press()
		at := eval[struct {
			Index  int
			Name   string
			Ring   float64
			InView bool
		}](p, "focused()")
		if at.Index != want {
			return append(found, Finding{
				"keyboard", fmt.Sprintf("Tab %d leads to %d, %s", want+1, at.Index, at.Name),
			})
		}
		if at.Ring < 3 || !at.InView {
			found = append(found, Finding{
				"focus", fmt.Sprintf("%s: contrast %.2f, in view: %t", at.Name, at.Ring, at.InView),
			})
		}
	}
	return found
}

func findScripts(p *Tab, page Page) (found []Finding) {
	own, err := url.Parse(page.Address)
	if err != nil {
		p.t.Fatal(err)
	}
	allowed := []string{}
	for _, file := range page.Files {
		allowed = append(allowed, own.Scheme+"://"+own.Host+file)
	}
	names, err := json.Marshal(allowed)
	if err != nil {
		p.t.Fatal(err)
	}
	found = p.find("scripts", "scripts("+string(names)+")")
	policy := p.policy
	if !page.Own {
		policy = eval[string](p, "policy()")
	}
	if !forbids(policy, len(page.Files) > 0) {
		found = append(found, Finding{"scripts", "no policy forbids other scripts and files: " + policy})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, address := range p.requests[1:] {
		if u, err := url.Parse(address); err == nil {
			u.User = nil
			address = u.String()
		}
		if !slices.Contains(allowed, address) {
			found = append(found, Finding{"other files", address})
		}
	}
	return found
}

// forbids reports whether a Content-Security-Policy forbids everything but styles and, where it may,
// scripts that are files of the page's own server.
func forbids(policy string, ownScripts bool) bool {
	if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe-eval") {
		return false
	}
	for directive := range strings.SplitSeq(policy, ";") {
		name, sources, _ := strings.Cut(strings.TrimSpace(directive), " ")
		if strings.HasPrefix(name, "script-src") && (!ownScripts || sources != "'self'") {
			return false
		}
	}
	return true
}

//go:build live

package report

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
)

// finding is a rule that a page breaks, and where.
type finding struct{ rule, text string }

// checks look at one page each, as it is after it was opened. They may change how it is shown, and
// so each gets a tab of its own.
var checks = []struct {
	name string
	find func(p *tab, language string) []finding
}{
	{"structure", findStructure}, {"names", findNames}, {"contrast", findContrast},
	{"reflow", findReflow}, {"keyboard", findKeyboard}, {"spacing", findSpacing}, {"print", findPrint},
	{"scripts", findScripts},
}

// scheme is whether the reader prefers light or dark pages.
const scheme = "prefers-color-scheme"

func findStructure(p *tab, language string) (found []finding) {
	if have := eval[string](p, "language()"); have != language {
		found = append(found, finding{"language", fmt.Sprintf("%q, want %q", have, language)})
	}
	if strings.TrimSpace(eval[string](p, "title()")) == "" {
		found = append(found, finding{"title", "the page has none"})
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
func findNames(p *tab, _ string) (found []finding) {
	count, charts := map[string]int{}, map[string]bool{}
	for _, n := range p.tree() {
		role, name := text(n.Role), text(n.Name)
		count[role]++
		switch role {
		case "image", "img", "graphics-document", "SvgRoot":
			if name == "" || charts[name] || text(n.Description) == "" {
				found = append(found, finding{
					"chart names", fmt.Sprintf("%s %q: %q", role, name, text(n.Description)),
				})
			}
			charts[name] = true
		case "link", "button", "textbox", "region", "navigation", "table":
			if name == "" {
				found = append(found, finding{"names", "a " + role + " has none"})
			}
		}
	}
	for _, role := range []string{"banner", "navigation", "main"} {
		if count[role] != 1 {
			found = append(found, finding{"landmarks", fmt.Sprintf("%d of %s", count[role], role)})
		}
	}
	if want := eval[int](p, "charts()"); count["image"] != want {
		found = append(found, finding{
			"chart names", fmt.Sprintf("%d of %d charts are images", count["image"], want),
		})
	}
	tables := eval[int](p, "tables()")
	columns, rows := count["columnheader"], count["rowheader"]
	if count["table"] != tables || columns < 2*tables || rows < tables {
		found = append(found, finding{"table heads", fmt.Sprintf(
			"%d tables of %d, with heads of %d columns and %d rows", count["table"], tables, columns, rows)})
	}
	return found
}

// findContrast measures every text and every shape, in each appearance: WCAG 2.2, 1.4.3 and 1.4.11.
func findContrast(p *tab, _ string) (found []finding) {
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
func findReflow(p *tab, _ string) (found []finding) {
	look := func() {
		found = append(found, p.find("reflow", "outside()")...)
		found = append(found, p.find("clipped", "clipped()")...)
		found = append(found, p.find("overlap", "overlaps()")...)
	}
	look()
	p.width(320)
	look()
	found = append(found, p.find("scroll regions", "regions()")...)
	p.width(640)
	p.change("enlarge()")
	look()
	return found
}

// findSpacing shows the page with the space between letters, words and lines that a reader may set.
func findSpacing(p *tab, _ string) (found []finding) {
	p.change("space()")
	for _, pixels := range []int64{320, 1280} {
		p.width(pixels)
		found = append(found, p.find("text spacing", "outside()")...)
		found = append(found, p.find("text spacing", "clipped()")...)
		found = append(found, p.find("text spacing", "overlaps()")...)
	}
	return found
}

// printed is the width of a sheet of A4 between margins of 1 cm, in pixels of 1/96 inch.
const printed = 718

func findPrint(p *tab, _ string) (found []finding) {
	p.media("print", scheme, "light")
	p.width(printed)
	return append(p.find("print", "cutInPrint()"), p.find("print", "overlaps()")...)
}

// findKeyboard walks through the page with the Tab key.
func findKeyboard(p *tab, _ string) (found []finding) {
	for want := range eval[int](p, "count()") {
		p.press()
		at := eval[struct {
			Index  int
			Name   string
			Ring   float64
			InView bool
		}](p, "focused()")
		if at.Index != want {
			return append(found, finding{
				"keyboard", fmt.Sprintf("Tab %d leads to %d, %s", want+1, at.Index, at.Name),
			})
		}
		if at.Ring < 3 || !at.InView {
			found = append(found, finding{
				"focus", fmt.Sprintf("%s: contrast %.2f, in view: %t", at.Name, at.Ring, at.InView),
			})
		}
	}
	return found
}

func findScripts(p *tab, _ string) (found []finding) {
	found = p.find("scripts", "scripts()")
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, url := range p.requests[1:] {
		found = append(found, finding{"other files", url})
	}
	return found
}

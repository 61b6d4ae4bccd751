// Package pageaudit finds what keeps people from reading a page: WCAG 2.2 AA, as far as a browser
// can compute it. Only tests use it.
//
// In: the address of a page, its language, and the files that it may fetch. Out: findings, each the
// rule that the page breaks and where; none where it keeps them all. It shows the page in Debian's
// Chromium: wide, 320 pixels wide, with larger letters, with more space, on paper, light, dark and in
// the reader's own colours; and walks through it by the keyboard. It never changes what it is given,
// and asks no server but the page's own.
package pageaudit

import (
	"slices"
	"testing"
)

// Page is a page to look at.
type Page struct {
	Address, Language string
	// Own is whether a server of its own sends the page, with a policy as a header; else the page has
	// its policy itself.
	Own bool
	// Files are the paths of the other files that the page may fetch from its server. Scripts among
	// them may run.
	Files []string
	// Ready is called when the page was opened, before anything is looked at. May be nil.
	Ready func(*Tab)
}

// Finding is a rule that a page breaks, and where.
type Finding struct{ Rule, Text string }

// check looks at one page, as it is after it was opened. It may change how it is shown, and so each
// check gets a tab of its own.
type check struct {
	name string
	find func(*Tab, Page) []Finding
}

var checks = []check{
	{"structure", findStructure}, {"names", findNames}, {"contrast", findContrast},
	{"reflow", findReflow}, {"keyboard", findKeyboard}, {"spacing", findSpacing}, {"print", findPrint},
	{"scripts", findScripts},
}

// Audit looks at a page by the checks with these names; without names, by all.
func (b *Browser) Audit(t *testing.T, page Page, names ...string) (found []Finding) {
	t.Helper()
	done := 0
	for _, c := range checks {
		if len(names) > 0 && !slices.Contains(names, c.name) {
			continue
		}
		p := b.Open(t, page.Address)
		if page.Ready != nil {
			page.Ready(p)
		}
		found = append(found, c.find(p, page)...)
		p.close() // a stream holds one of the few connections that a browser makes to a server
		done++
	}
	if done == 0 {
		t.Fatalf("there is no check %q", names)
	}
	return found
}

// Breaks reports whether the findings name a rule.
func Breaks(found []Finding, rule string) bool {
	return slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == rule })
}

package mediation

import (
	"fmt"
	"path"
)

// Globs are patterns of endpoints, such as PJSIP/agent*. In them `*` and `?` match anything but a
// slash.
type Globs struct {
	patterns []string
	matched  map[string]bool // endpoints are few, and asked about for each channel
}

// maxMatched bounds the answers that Globs remembers: more endpoints than any PBX has.
const maxMatched = 1 << 16

// NewGlobs checks the patterns.
func NewGlobs(patterns ...string) (Globs, error) {
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil || p == "" {
			return Globs{}, fmt.Errorf("%q is not a pattern of endpoints such as PJSIP/agent*", p)
		}
	}
	return Globs{patterns: patterns, matched: map[string]bool{}}, nil
}

// Match reports whether any pattern matches the endpoint.
func (g Globs) Match(endpoint string) bool {
	if match, ok := g.matched[endpoint]; ok {
		return match
	}
	match := false
	for _, p := range g.patterns {
		if ok, err := path.Match(p, endpoint); err == nil && ok {
			match = true
			break
		}
	}
	if len(g.matched) < maxMatched {
		g.matched[endpoint] = match
	}
	return match
}

// Patterns are the patterns as given.
func (g Globs) Patterns() []string { return g.patterns }

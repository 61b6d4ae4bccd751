package mediation

import (
	"fmt"
	"path"
)

// Globs are patterns of endpoints, such as PJSIP/agent*: `*` and `?` stand for anything but a slash. What they do not name is no match.
type Globs struct {
	patterns []string
	seen     map[string]bool // endpoints are few and asked about at each channel
}

// maxSeen bounds what Globs remembers: more endpoints than any PBX has.
const maxSeen = 1 << 16

// NewGlobs checks the patterns.
func NewGlobs(patterns ...string) (Globs, error) {
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil || p == "" {
			return Globs{}, fmt.Errorf("%q is not a pattern of endpoints such as PJSIP/agent*", p)
		}
	}
	return Globs{patterns: patterns, seen: map[string]bool{}}, nil
}

// Match tells whether any pattern names the endpoint.
func (g Globs) Match(endpoint string) bool {
	if yes, ok := g.seen[endpoint]; ok {
		return yes
	}
	yes := false
	for _, p := range g.patterns {
		if ok, err := path.Match(p, endpoint); err == nil && ok {
			yes = true
			break
		}
	}
	if len(g.seen) < maxSeen {
		g.seen[endpoint] = yes
	}
	return yes
}

// Patterns are the patterns as given.
func (g Globs) Patterns() []string { return g.patterns }

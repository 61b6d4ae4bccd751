package config

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
)

// technologies are those whose channels may be a caller's or an operator's: of Asterisk 22 itself,
// then of the drivers that others make for it.
var technologies = []string{
	"PJSIP", "DAHDI", "IAX2", "Motif", "USTM", "Console", "AudioSocket", "UnicastRTP", "WebSocket",
	"SCCP", "Dongle", "Quectel", "Simcom", "Khomp",
}

// dahdi names its channels DAHDI/CHANNEL-N on analog lines, and DAHDI/iSPAN/NUMBER-N on ISDN: so
// chan_dahdi and sig_pri of Asterisk 22 are known to do, which was not measured. A wildcard does not
// match a slash.
const dahdi = "DAHDI"

// checkGlobs refuses patterns that can match the endpoint of no channel: with one of them every
// call would be free, or no call metered.
func (l *loader) checkGlobs(key string, patterns []string) {
	for i, p := range patterns {
		_, err := mediation.NewGlobs(p)
		problem := ""
		if err != nil {
			problem = err.Error()
		} else if why := neverMatches(p); why != "" {
			problem = fmt.Sprintf("%q matches no channel: %s", p, why)
		}
		if problem != "" {
			l.problem(fmt.Sprintf("%s[%d]", key, i), "%s", problem)
		}
	}
}

// neverMatches is why a well-formed pattern matches no endpoint; "" where it may match one.
func neverMatches(pattern string) string {
	technology, name, slash := strings.Cut(pattern, "/")
	is := func(tech string) bool {
		ok, err := path.Match(technology, tech)
		return ok && err == nil
	}
	switch {
	case !slash || name == "":
		return "write a technology, a slash and a name, such as PJSIP/agent*"
	case technology == "Local":
		return "a Local channel is nobody's phone: name the endpoint behind it, such as PJSIP/agent1"
	case technology == "SIP":
		return "Asterisk 22 has no chan_sip: its phones are PJSIP/name"
	case technology == dahdi:
		return neverMatchesDAHDI(name)
	case !slices.ContainsFunc(technologies, is):
		return fmt.Sprintf("Asterisk 22 has no technology %s: write one of %s",
			technology, strings.Join(technologies, ", "))
	case strings.Contains(name, "/"):
		return "only the names of ISDN channels, DAHDI/i1/NUMBER, have a second slash"
	}
	return ""
}

func neverMatchesDAHDI(name string) string {
	span, number, isdn := strings.Cut(name, "/")
	switch {
	case ari.MaskDigits(number) != number:
		return "a telephone number in the name of a channel is masked: write DAHDI/i1/*"
	case isdn && number != "" && !strings.Contains(number, "/") && mayBegin(span, "i"):
		return ""
	case !isdn && strings.ContainsAny(name[:1], "[0123456789"):
		return ""
	}
	return "ISDN channels are DAHDI/i1/NUMBER, and * does not match a slash: write DAHDI/i*/*, " +
		"or DAHDI/[0-9]* for analog lines, DAHDI/1"
}

// mayBegin reports whether a pattern may match a text that begins with a letter.
func mayBegin(pattern, letter string) bool {
	return strings.HasPrefix(pattern, letter) || strings.ContainsAny(pattern[:min(1, len(pattern))], "*?[")
}

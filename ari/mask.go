package ari

import (
	"slices"
	"strings"
)

// phoneDigits is the shortest run of digits in the name of a channel that may be a telephone number
// rather than an extension.
const phoneDigits = 6

// named are the technologies whose channels are named after an endpoint of the configuration, or
// after a host, which is no secret. All others may have a number of the outside world in their
// names: Local/NUMBER@out, DAHDI/i1/NUMBER, OOH323/NUMBER.
var named = []string{"PJSIP/", "SIP/", "IAX2/", "UnicastRTP/", "AudioSocket/", "WebSocket/"}

// MaskName hides telephone numbers in the name of a channel, as in Local/3331234567@out-00000003;1:
// in each long run of digits all but the last two become x. What Asterisk adds after the last dash
// makes the name unique and stays.
func MaskName(name string) string {
	if slices.ContainsFunc(named, func(t string) bool { return strings.HasPrefix(name, t) }) {
		return name
	}
	end := strings.LastIndexByte(name, '-')
	if end < 0 || !unique(name, name[end+1:]) {
		end = len(name)
	}
	between := separators
	if strings.HasPrefix(name, localPrefix) {
		between += "/&" // in the others a slash parts the span from the number
	}
	return maskDigits(name[:end], between) + name[end:]
}

// modems are the technologies whose counter has ten digits: two of the line, eight of the call.
var modems = []string{"Dongle/", "Quectel/", "Simcom/"}

// unique reports whether what follows the last dash of a name is a counter of Asterisk's: that of half
// a Local channel, eight digits that begin with zero, or fewer digits than a number has. For
// DAHDI/i1/06-12345678, without its counter, it is not.
func unique(name, suffix string) bool {
	rest := strings.TrimLeft(suffix, "0123456789abcdefABCDEF")
	if rest == ";1" || rest == ";2" {
		return true
	}
	if hasNumber(rest) {
		return false
	}
	digits := len(suffix) - len(rest)
	modem := slices.ContainsFunc(modems, func(t string) bool { return strings.HasPrefix(name, t) })
	return digits < phoneDigits || suffix[0] == '0' && (digits == 8 || modem && digits == 10)
}

func hasNumber(text string) bool { return MaskDigits(text) != text }

// separators may stand between the digits of one number.
const separators = "- ()._*#+"

// MaskDigits hides telephone numbers in a text: in each long run of digits, also of digits with
// separators between them, all but the last two become x.
func MaskDigits(text string) string { return maskDigits(text, separators) }

func maskDigits(text, separators string) string {
	b := []byte(text)
	for i := 0; i < len(b); i++ {
		var digits []int // where they stand
		j := i
		for ; j < len(b); j++ {
			if isDigit(b[j]) {
				digits = append(digits, j)
			} else if len(digits) == 0 || strings.IndexByte(separators, b[j]) < 0 {
				break
			}
		}
		if n := len(digits); n >= phoneDigits {
			for _, k := range digits[:n-2] {
				b[k] = 'x'
			}
		}
		i = max(i, j-1)
	}
	return string(b)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

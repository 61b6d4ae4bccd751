package numbering

import (
	"strings"
	"unicode"
)

// written is the number in a text, without separators.
type written struct {
	digits string // 0 to 9, with a + in front where the text has one
	// without is digits without the zero of a "(0)", which is dialled within the country only; "" where
	// the text has none.
	without string
	context string // the digits of a phone-context that begins with +
	given   bool   // the text has digits: somebody meant to give a number
}

// The bounds of a text that is read as one number.
const (
	maxText   = 128 // characters, parameters among them
	maxDigits = 24  // an outside prefix, 00 and more digits than any number has
	// areaDigits is how many digits may stand before a slash, which follows an area code. Behind more
	// digits it separates two numbers.
	areaDigits = 8
	// groupDigits is how many digits follow a dot at least. One digit is a decimal place, which a
	// spreadsheet has added.
	groupDigits = 2
)

// readText reads a number as a network sends it or a person writes it. What stands before ";" or
// "@" is the number. ok is false where that is anything else but one number, or none.
func readText(text string) (w written, ok bool) {
	text = strings.TrimFunc(text, ignored)
	text = cutScheme(text)
	text, _, _ = strings.Cut(text, "@")
	text, params, _ := strings.Cut(text, ";")
	w.given = strings.ContainsFunc(text, isDigit)
	if len(text)+len(params) > maxText || !w.readParams(params) || !w.readDigits(text) {
		return w, false
	}
	n := len(strings.TrimPrefix(w.digits, "+"))
	return w, n > 0 && n <= maxDigits
}

// readParams reads what stands behind ";". It is false where that is no parameter: then it may be
// another number.
func (w *written) readParams(params string) bool {
	for param := range strings.SplitSeq(params, ";") {
		if param == "" {
			continue
		}
		if param[0] < 'A' || param[0] > 'z' {
			return false
		}
		name, value, _ := strings.Cut(param, "=")
		rest, global := strings.CutPrefix(value, "+")
		if strings.EqualFold(name, "phone-context") && global {
			w.context = strings.Map(func(r rune) rune {
				if isDigit(r) {
					return r
				}
				return -1
			}, rest)
		}
	}
	return true
}

func (w *written) readDigits(text string) bool {
	var digits []byte
	zero := -1 // where the zero of a "(0)" is
	for i, r := range text {
		switch {
		case isDigit(r):
			digits = append(digits, byte(r))
		case r == '+' && len(digits) == 0:
			digits = append(digits, '+')
		case r == '/' && len(digits) > areaDigits, r == '.' && !grouped(text[i+1:]):
			return false
		case r == '(' && strings.HasPrefix(text[i:], "(0)") && len(digits) > 1:
			zero = len(digits)
		case !ignored(r) && !strings.ContainsRune("./()", r):
			return false
		}
	}
	w.digits = string(digits)
	if zero > 0 {
		w.without = w.digits[:zero] + w.digits[zero+1:]
	}
	return true
}

// grouped reports whether the text after a dot begins with a group of digits.
func grouped(text string) bool {
	n := strings.IndexFunc(text, func(r rune) bool { return !isDigit(r) })
	return n >= groupDigits || n < 0 && len(text) >= groupDigits
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// ignored reports whether a character separates digits and means nothing: spaces, dashes, and the
// invisible marks that telephones and spreadsheets put around numbers.
func ignored(r rune) bool {
	return unicode.IsSpace(r) || unicode.In(r, unicode.Zs, unicode.Pd, unicode.Cf) || r == '\u2212'
}

// cutScheme cuts tel:, sip: or sips: off the front.
func cutScheme(text string) string {
	scheme, rest, ok := strings.Cut(text, ":")
	if ok {
		switch strings.ToLower(scheme) {
		case "tel", "sip", "sips":
			return rest
		}
	}
	return text
}

package numbering

import (
	"regexp"
	"strings"
)

// dialTarget is what a dial string leads to, without its technology: the number or name behind an
// account, a group or a contact, without options and pauses. ok is false where that cannot be told.
//
//	agent1                                 PJSIP, by endpoint
//	899123456@trunk                        PJSIP, IAX2, by number and endpoint
//	0612345678/sip:+39899123456@x:5060     PJSIP, by endpoint and address
//	200/sip:200@192.0.2.7:5060;ob          the same, a telephone's contact
//	g1/w899123456                          DAHDI, by group and number, with a pause
//	peer/899123456@context/a               IAX2, with options
func dialTarget(text string) (target string, ok bool) {
	if at := scheme.FindStringIndex(text); at != nil {
		target = strings.TrimPrefix(text[at[0]:], "/")
		_, target, _ = strings.Cut(target, ":")
		target, _, _ = strings.Cut(target, "@")
		user, params, _ := strings.Cut(target, ";")
		user, _, _ = strings.Cut(user, ":") // a password
		if target = user; strings.Contains(params, "phone-context=") {
			target += ";" + params
		}
	} else {
		parts := strings.Split(text, "/")
		last := len(parts) - 1
		if last > 0 && options.MatchString(parts[last]) &&
			(last > 1 || strings.Contains(parts[last-1], "@")) {
			last--
		}
		target, _, _ = strings.Cut(parts[last], "@")
	}
	target = strings.Trim(target, pauses)
	return target, target != "" && !strings.Contains(target, "%")
}

var (
	scheme  = regexp.MustCompile(`(?i)(^|/)(sips?|tel):`)
	options = regexp.MustCompile(`^[A-Za-z]{1,4}$`)
)

// pauses wait before or between digits.
const pauses = "wWpP, "

// cutFold cuts a prefix off, in capitals or not.
func cutFold(text, prefix string) string {
	if len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) {
		return text[len(prefix):]
	}
	return text
}

func isLetter(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }

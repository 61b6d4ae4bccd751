package native

import (
	"regexp"
	"strings"
)

// step is one application of a dialplan extension.
type step struct{ app, args string }

// lines are what extensions.conf holds for one context, as AST_CONFIG reads it: the values of its `exten` and its `same` lines, each in order.
type lines struct{ exten, same []string }

var extenLine = regexp.MustCompile(`^([^,]+),([^,]+),(.*)$`)

// steps puts together what a number executes in a context. AST_CONFIG tells neither where the `same` lines stand nor how many belong to an
// extension; the number of priorities that Asterisk itself counts for each extension does. ok is false where the lines
// do not hold the number, or do not add up (an include, another dialplan language): then nothing can be said.
func (l lines) steps(number string, priorities func(exten string) int) (steps []step, ok bool) {
	same := l.same
	found := ""
	for i := 0; i < len(l.exten); {
		m := extenLine.FindStringSubmatch(l.exten[i])
		if m == nil {
			return nil, false
		}
		name := strings.TrimSpace(m[1])
		var group []step
		for ; i < len(l.exten); i++ {
			if m = extenLine.FindStringSubmatch(l.exten[i]); m == nil || strings.TrimSpace(m[1]) != name {
				break
			}
			group = append(group, parseStep(m[3]))
		}
		for n := priorities(name) - len(group); n > 0 && len(same) > 0; n-- {
			if _, rest, cut := strings.Cut(same[0], ","); cut {
				group = append(group, parseStep(rest))
			}
			same = same[1:]
		}
		if name == number || found == "" && matches(name, number) {
			found, steps = name, group
		}
	}
	return steps, found != "" && len(same) == 0
}

func parseStep(text string) step {
	app, args, _ := strings.Cut(strings.TrimSpace(text), "(")
	return step{app: strings.TrimSpace(app), args: strings.TrimSuffix(args, ")")}
}

// frontDesk is the dialplan context of deploy/asterisk that leads to the front desk, which answers nobody.
const frontDesk = "risposta"

// answersEarly names the application that answers the caller before Queue() does, "" if none. known is false where the way to
// Queue() can't be followed from here.
func answersEarly(steps []step) (app string, known bool) {
	for _, s := range steps {
		switch strings.ToLower(s.app) {
		case "queue":
			return "", true
		case "answer":
			return "Answer()", true
		case "playback", "background", "controlplayback":
			if !strings.Contains(s.args, "noanswer") && !strings.Contains(s.args, ",n") {
				return s.app + "() without noanswer", true
			}
		case "gosub":
			if context, _, _ := strings.Cut(s.args, ","); strings.TrimSpace(context) != frontDesk {
				return "", false
			}
		case "goto", "gotoif", "gosubif", "macro", "agi", "stasis", "confbridge", "dial":
			return "", false
		}
	}
	return "", false
}

// matches tells whether a dialplan pattern, such as _10[0-4]X or _X., matches a number.
func matches(pattern, number string) bool {
	p, ok := strings.CutPrefix(pattern, "_")
	if !ok {
		return pattern == number
	}
	for i := 0; p != ""; i++ {
		if p[0] == '.' {
			return i < len(number)
		}
		if p[0] == '!' {
			return true
		}
		if i >= len(number) {
			return false
		}
		set, rest := class(p)
		if !strings.ContainsRune(set, rune(number[i])) {
			return false
		}
		if p = rest; p == "" {
			return i == len(number)-1
		}
	}
	return number == ""
}

// class is the set of digits that the first element of a pattern stands for, and the rest of the pattern.
func class(p string) (set, rest string) {
	switch p[0] {
	case 'X', 'x':
		return "0123456789", p[1:]
	case 'Z', 'z':
		return "123456789", p[1:]
	case 'N', 'n':
		return "23456789", p[1:]
	case '[':
		end := strings.IndexByte(p, ']')
		if end < 0 {
			return "", ""
		}
		for i := 1; i < end; i++ {
			if i+2 < end && p[i+1] == '-' {
				for c := p[i]; c <= p[i+2]; c++ {
					set += string(c)
				}
				i += 2
				continue
			}
			set += string(p[i])
		}
		return set, p[end+1:]
	}
	return p[:1], p[1:]
}

package native

import (
	"fmt"
	"regexp"
	"strings"
)

// maxLines bounds the lines that are read of one context.
const maxLines = 500

// entry checks that a service's number stays unanswered until Queue().
func (i *inspector) entry(e Entry, ask query) {
	read := func(name string) (values []string) {
		for n := range maxLines {
			v, ok := ask(fmt.Sprintf("AST_CONFIG(extensions.conf,%s,%s,%d)", e.Context, name, n))
			if !ok {
				break
			}
			values = append(values, v)
		}
		return values
	}
	priorities := func(exten string) int {
		for n := 1; n < maxLines; n++ {
			v, ok := ask(fmt.Sprintf("DIALPLAN_EXISTS(%s,%s,%d)", e.Context, exten, n))
			if !ok || v != "1" {
				return n - 1
			}
		}
		return maxLines
	}
	if priorities(e.Number) == 0 {
		i.bad("service %s: the dialplan has no extension %s in context %s",
			e.Service, e.Number, e.Context)
		return
	}
	steps, ok := lines{exten: read("exten"), same: read("same")}.steps(e.Number, priorities)
	for _, s := range steps {
		if name, _, _ := strings.Cut(s.args, ","); ok && strings.EqualFold(s.app, "queue") {
			i.queued = append(i.queued, strings.TrimSpace(name))
		}
	}
	app, known := answersEarly(steps)
	switch {
	case !ok || !known:
		i.note("service %s: whether %s@%s is answered before Queue() can't be told from "+
			"extensions.conf; the records of calls that are have the reason answered_early",
			e.Service, e.Number, e.Context)
	case app != "":
		i.bad("service %s: %s comes before Queue() in %s@%s: the caller's own network charges the "+
			"wait; use Progress() instead", e.Service, app, e.Number, e.Context)
	default:
		i.good("service %s: %s@%s stays unanswered until the operator answers",
			e.Service, e.Number, e.Context)
	}
}

// step is one application of a dialplan extension.
type step struct{ app, args string }

// lines are the lines of one context of extensions.conf, as AST_CONFIG reads them: the values of
// its `exten` and of its `same` lines, each in order.
type lines struct{ exten, same []string }

var extenLine = regexp.MustCompile(`^([^,]+),([^,]+),(.*)$`)

// steps returns what a number executes in a context. AST_CONFIG shows neither where the `same`
// lines stand nor how many belong to an extension; Asterisk's own count of each extension's
// priorities does. ok is false where the lines lack the number, or do not add up (an include,
// another dialplan language): then nothing is known.
func (l lines) steps(
	number string, priorities func(exten string) int,
) (steps []step, ok bool) {
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
			m = extenLine.FindStringSubmatch(l.exten[i])
			if m == nil || strings.TrimSpace(m[1]) != name {
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

// deskContext is the dialplan context of deploy/asterisk that leads to the front desk. It does not
// answer the call.
const deskContext = "risposta"

// answersEarly returns the application that answers the caller before Queue() does, "" if none.
// known is false where the path to Queue() cannot be followed from here.
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
			if context, _, _ := strings.Cut(s.args, ","); strings.TrimSpace(context) != deskContext {
				return "", false
			}
		case "goto", "gotoif", "gosubif", "macro", "agi", "stasis", "confbridge", "dial":
			return "", false
		}
	}
	return "", false
}

// matches reports whether a dialplan pattern, such as _10[0-4]X or _X., matches a number.
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

// class returns the digits that the first element of a pattern stands for, and the rest of the
// pattern.
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

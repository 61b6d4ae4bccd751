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
	d := dialplan{ask: ask, contexts: map[string]lines{}}
	if d.priorities(e.Context, e.Number) == 0 {
		i.bad("service %s: the dialplan has no extension %s in context %s",
			e.Service, e.Number, e.Context)
		return
	}
	w := d.walk(e.Number, e.Context)
	i.queued = append(i.queued, w.queues...)
	switch {
	case w.early != "":
		cost := "the caller's own network charges the wait"
		if i.plan.WaitVoids {
			cost += ", and the policy voids every charge of such a call"
		}
		around := ""
		if w.jumps {
			around = ", unless a jump before it leads around it"
		}
		i.bad("service %s: %s comes before Queue() in %s%s: %s; %s",
			e.Service, w.early, w.at, around, cost, w.remedy())
	case w.unclear || len(w.queues) == 0:
		i.note("service %s: whether %s@%s is answered before Queue() can't be told from "+
			"extensions.conf; the records of calls that are have the reason answered_early",
			e.Service, e.Number, e.Context)
	default:
		i.good("service %s: %s@%s stays unanswered until the operator answers",
			e.Service, e.Number, e.Context)
	}
	i.freePBX(w.freePBX)
	if w.early == "" && w.long != "" {
		i.note("service %s: %s lets callers wait unanswered for more than %d s: carriers end such calls, "+
			"most after 2 to 3 minutes; give it a timeout (in FreePBX the queue's Max Wait Time)",
			e.Service, w.long, maxUnanswered)
	}
}

// dialplan reads extensions.conf through AST_CONFIG, each context once.
type dialplan struct {
	ask      query
	contexts map[string]lines
}

func (d dialplan) priorities(context, exten string) int {
	for n := 1; n < maxLines; n++ {
		v, ok := d.ask(fmt.Sprintf("DIALPLAN_EXISTS(%s,%s,%d)", context, exten, n))
		if !ok || v != "1" {
			return n - 1
		}
	}
	return maxLines
}

// steps are what a number executes in a context; ok is as [lines.steps] has it.
func (d dialplan) steps(exten, context string) ([]step, bool) {
	l, known := d.contexts[context]
	if !known {
		read := func(name string) (values []string) {
			for n := range maxLines {
				v, ok := d.ask(fmt.Sprintf("AST_CONFIG(extensions.conf,%s,%s,%d)", context, name, n))
				if !ok {
					break
				}
				values = append(values, v)
			}
			return values
		}
		l = lines{exten: read("exten"), same: read("same")}
		d.contexts[context] = l
	}
	return l.steps(exten, func(name string) int { return d.priorities(context, name) })
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

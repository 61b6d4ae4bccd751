package native

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// deskContext is the dialplan context of deploy/asterisk that leads to the front desk. It does not
// answer the call.
const deskContext = "risposta"

// maxHops bounds the Goto()s that are followed: more than any way to a queue has.
const maxHops = 16

// way is what a caller's channel runs from a number to Queue().
type way struct {
	queues  []string // that it names
	early   string   // what answers the caller before Queue(), "" for nothing that was seen
	at      string   // number@context where that stands
	jumps   bool     // a jump stands before that, which may lead around it
	unclear bool     // a part of the way can't be followed
	long    string   // the first Queue() that waits longer than carriers do
	wait    string   // FreePBX's Max Wait Time, as a variable before Queue() has it
	freePBX switches

	answered bool
}

// maxUnanswered is how long a caller may wait unanswered, in seconds: carriers end such calls, most
// after two to three minutes.
const maxUnanswered = 120

// waitsLong reports whether the arguments of Queue() let a caller wait longer than that. known is what
// stands in FreePBX's variable. Any other variable is not known.
func waitsLong(args, known string) bool {
	timeout := ""
	if a := strings.Split(args, ","); len(a) > 4 {
		timeout = strings.TrimSpace(a[4])
	}
	if m := maxWait.FindStringSubmatch(known); m != nil && timeout == "${QMAXWAIT}" {
		timeout = m[1]
	}
	if timeout == "" {
		return true
	}
	seconds, err := strconv.Atoi(timeout)
	return err == nil && (seconds <= 0 || seconds > maxUnanswered)
}

// remedy is what to do about what answers early.
func (w way) remedy() string {
	number, context, _ := strings.Cut(w.at, "@")
	if context == queueContext && w.early == answerApp {
		return "in FreePBX turn on Queue No Answer of queue " + number
	}
	return "use Progress() instead"
}

const answerApp = "Answer()"

// walk follows a number to Queue(): through Goto()s whose target is written out, and past what comes
// back. Answer() before Queue() is found also where a part of the way can't be followed.
func (d dialplan) walk(exten, context string) (w way) {
	for range maxHops {
		steps, ok := d.steps(exten, context)
		if !ok {
			w.unclear = true
			return w
		}
		next, more := w.extension(steps, exten, context)
		if !more {
			return w
		}
		if next.exten != "" {
			exten = next.exten
		}
		if next.context != "" {
			context = next.context
		}
	}
	w.unclear = true
	return w
}

// target is where a Goto() leads; empty where it stays.
type target struct{ exten, context string }

// extension takes in what one extension runs. more: it leads on to another one.
func (w *way) extension(steps []step, exten, context string) (next target, more bool) {
	for _, s := range steps {
		if context == queueContext {
			w.freePBX.note(s, exten)
		}
		if app := s.answers(); app != "" && len(w.queues) == 0 && w.early == "" {
			w.early, w.at = app, exten+"@"+context
			continue
		}
		switch strings.ToLower(s.app) {
		case "set":
			if wait := s.set("QMAXWAIT"); wait != "" {
				w.wait = wait
			}
		case "answer":
			w.answered = true // after a first Queue(): who waits on is not unanswered
		case "queue":
			name, _, _ := strings.Cut(strings.ReplaceAll(s.args, "${EXTEN}", exten), ",")
			w.queues = append(w.queues, strings.TrimSpace(name))
			if w.long == "" && !w.answered && waitsLong(s.args, w.wait) {
				w.long = s.app + "(" + s.args + ")"
			}
		case "gosub", "macro":
			sub, _, _ := strings.Cut(s.args, ",")
			sub = strings.TrimSpace(sub)
			known := sub == deskContext || slices.Contains(silentSubs, sub)
			w.unclear = w.unclear || !known && len(w.queues) == 0
		case "execif":
			w.jumps = w.jumps || w.early == "" && !s.silent()
			w.unclear = w.unclear || len(w.queues) == 0 && !s.silent()
		case "gotoif", "gosubif", "gotoiftime":
			w.jumps = w.jumps || w.early == "" // what it leads around, or to, is not known
			w.unclear = w.unclear || len(w.queues) == 0
		case "agi", "stasis", "confbridge", "dial":
			w.unclear = w.unclear || len(w.queues) == 0
		case "goto":
			if len(w.queues) > 0 {
				return next, false
			}
			next, ok := literal(strings.ReplaceAll(s.args, "${EXTEN}", exten))
			w.unclear = w.unclear || !ok
			return next, ok
		}
	}
	return next, false
}

// answers is the application by which a step answers the caller, "" where it does not.
func (s step) answers() string {
	switch strings.ToLower(s.app) {
	case "answer":
		return answerApp
	case "execif":
		if answerIf.MatchString(s.args) {
			return answerApp
		}
	case "playback", "background", "controlplayback":
		if !strings.Contains(s.args, "noanswer") && !strings.Contains(s.args, ",n") {
			return s.app + "() without noanswer"
		}
	}
	return ""
}

// silent reports whether a step is ExecIf(condition?app) with one application, that does not answer.
func (s step) silent() bool { return silentIf.MatchString(s.args) }

var silentIf = regexp.MustCompile(`(?i)\?\s*(Set,|Set\(|NoOp|Macro[,(](?:prepend-cid|blkvm)|` +
	`QueueLog|Playback[,(][^:?]*noanswer)`)

// answerIf is ExecIf(condition?Answer), with Answer in either branch.
var answerIf = regexp.MustCompile(`(?i)[?:]\s*answer\b`)

// literal reads the target of a Goto(): [[context,]exten,]priority, none of it a variable.
func literal(args string) (target, bool) {
	parts := strings.Split(args, ",")
	if strings.ContainsAny(args, "${}") || len(parts) < 2 || len(parts) > 3 {
		return target{}, false // a priority alone is a jump within the extension
	}
	t := target{exten: strings.TrimSpace(parts[len(parts)-2])}
	if len(parts) == 3 {
		t.context = strings.TrimSpace(parts[0])
	}
	return t, strings.TrimSpace(parts[len(parts)-1]) == "1"
}

package native

import (
	"fmt"
	"strings"
	"testing"
)

// dialplanOf is a dialplan that answers as Asterisk does: contexts of `exten` lines.
func dialplanOf(contexts map[string][]string) query {
	return func(function string) (string, bool) {
		name, args, _ := strings.Cut(strings.TrimSuffix(function, ")"), "(")
		a := strings.Split(args, ",")
		var n int
		if _, err := fmt.Sscan(a[len(a)-1], &n); err != nil {
			return "", false
		}
		switch name {
		case "AST_CONFIG":
			if all := contexts[a[1]]; a[2] == "exten" && n < len(all) {
				return all[n], true
			}
		case "DIALPLAN_EXISTS":
			for _, line := range contexts[a[0]] {
				if exten, _, _ := strings.Cut(line, ","); exten == a[1] {
					if n--; n == 0 {
						return "1", true
					}
				}
			}
			return "0", true
		}
		return "", false
	}
}

// The ways to a queue that PBXs have, and what a check says of each.
func TestEntry(t *testing.T) {
	queue800 := func(answer string) []string {
		return []string{
			"800,1,Gosub(sub-user-callerid,s,1())", "800,n," + answer,
			`800,n,Set(__NODEST=800)`, `800,n(qcall),Queue(800,t,,,100,,,,,)`, "800,n,Hangup()",
		}
	}
	did := []string{"s,1,Set(x=1)", "s,n,Goto(ext-queues,800,1)"}
	for name, c := range map[string]struct {
		contexts map[string][]string
		want     string
	}{
		"freepbx": {map[string][]string{"in": did, "ext-queues": queue800("Answer()")},
			"true Answer() comes before Queue() in 800@ext-queues: the caller's own network charges the " +
				"wait, and the policy voids every charge of such a call; in FreePBX turn on Queue No Answer " +
				"of queue 800"},
		"freepbx, answered where it must": {map[string][]string{"in": did,
			"ext-queues": queue800(`ExecIf($["${CHANNEL(state)}"!="Up"]?Answer)`)},
			"true Answer() comes before Queue() in 800@ext-queues"},
		"freepbx, Queue No Answer": {map[string][]string{"in": did, "ext-queues": queue800("Progress()")},
			"false s@in stays unanswered"},
		"freepbx, a subroutine of somebody's own": {map[string][]string{"in": did,
			"ext-queues": queue800("Gosub(mine,s,1())")},
			"false whether s@in is answered before Queue() can't be told"},
		"freepbx, as it writes a queue": {map[string][]string{"in": did, "ext-queues": {
			"800,1,Macro(user-callerid,)", "800,n,Progress", "800,n,Macro(blkvm-set,reset)",
			`800,n,ExecIf($["${QUEUEWAIT}" = ""]?Set(__QUEUEWAIT=${EPOCH}))`,
			`800,n,ExecIf($["${QCIDPP}"!=""]?Macro(prepend-cid,${QCIDPP}))`,
			`800,n,Gosub(sub-record-check,s,1(q,800,dontcare))`,
			`800,n,ExecIf($["${QJOINMSG}"!=""]?Playback(${QJOINMSG}, noanswer))`,
			`800,n,Set(QMAXWAIT=${IF($[${LEN(${VQ_MAXWAIT})}>0]?${VQ_MAXWAIT}:100)})`,
			`800,n(qcall),Queue(800,${QOPTIONS},,${QAANNOUNCE},${QMAXWAIT},,,,,)`,
			"800,n,GotoIf($[x]?a,b,1)"}},
			"false s@in stays unanswered"},
		"freepbx, a message that answers": {map[string][]string{"in": did,
			"ext-queues": queue800(`ExecIf($["${QJOINMSG}"!=""]?Playback(${QJOINMSG}, ))`)},
			"false whether s@in is answered before Queue() can't be told"},
		"after a jump": {map[string][]string{"in": {"s,1,GotoIf(${x}?20)", "s,n,Answer", "s,n,Queue(q,,,,100)"}},
			"true Answer() comes before Queue() in s@in, unless a jump before it leads around it"},
		"after Queue()": {map[string][]string{"in": {"s,1,Progress()", "s,n,Queue(q,,,,100)", "s,n,Answer()"}},
			"false s@in stays unanswered"},
		"waits on, answered": {map[string][]string{"in": {"s,1,Progress()", "s,n,Queue(q,,,,100)",
			"s,n,Gosub(risposta,later,1(it))", "s,n,Answer()", "s,n,Queue(q,,,,1800)"}},
			"false s@in stays unanswered"},
		"in the first of two": {map[string][]string{
			"in": {"s,1,Answer()", "s,n,Goto(q,1,1)"}, "q": {"1,1,Queue(q,,,,100)"}},
			"true Answer() comes before Queue() in s@in"},
		"to a variable": {map[string][]string{"in": {"s,1,Goto(${x},1,1)"}},
			"false whether s@in is answered before Queue() can't be told"},
		"in a circle": {map[string][]string{"in": {"s,1,Goto(in,s,1)"}},
			"false whether s@in is answered before Queue() can't be told"},
		"nowhere": {map[string][]string{"in": {"1,1,Queue(q,,,,100)"}}, "true the dialplan has no extension s"},
	} {
		i := &inspector{plan: Plan{WaitVoids: true}}
		i.entry(Entry{Service: "help", Number: "s", Context: "in"}, dialplanOf(c.contexts))
		if len(i.report.Findings) != 1 {
			t.Errorf("%s: %d findings, want one", name, len(i.report.Findings))
			continue
		}
		f := i.report.Findings[0]
		got := fmt.Sprintf("%t %s", f.Bad, strings.TrimPrefix(f.Text, "service help: "))
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Waits that carriers end before the queue does.
func TestWaitsLong(t *testing.T) {
	for args, want := range map[string]bool{
		"q": true, "q,t": true, "q,,,,": true, "q,,,,0": true, "q,,,,300": true, "q,,,,121": true,
		"q,,,,120": false, "q,t,,,100,,,": false, "q,,,,${WAIT}": false,
	} {
		if got := waitsLong(args, ""); got != want {
			t.Errorf("Queue(%s): %t, want %t", args, got, want)
		}
	}
	const virtual = "${IF($[${LEN(${VQ_MAXWAIT})}>0]?${VQ_MAXWAIT}:"
	for set, want := range map[string]bool{
		virtual + "100)}": false, virtual + " )}": true, virtual + "300)}": true, "": false,
	} {
		if got := waitsLong("q,t,,,${QMAXWAIT},,,", set); got != want {
			t.Errorf("QMAXWAIT=%s: %t, want %t", set, got, want)
		}
	}
	i := &inspector{}
	i.entry(Entry{Service: "help", Number: "s", Context: "in"},
		dialplanOf(map[string][]string{"in": {"s,1,Progress()", "s,n,Queue(q)"}}))
	if n := len(i.report.Findings); n != 2 || !i.report.Findings[1].Note ||
		!strings.HasPrefix(i.report.Findings[1].Text, "service help: Queue(q) lets callers wait") {
		t.Errorf("found %+v, want a note about the wait", i.report.Findings)
	}
}

// What FreePBX's lines of a queue show of its switches.
func TestEntryReadsSwitchesOfFreePBX(t *testing.T) {
	with := func(lines ...string) (found []string) {
		i := &inspector{}
		i.entry(Entry{Service: "help", Number: "800", Context: "ext-queues"}, dialplanOf(
			map[string][]string{"ext-queues": append(append([]string{"800,1,Progress()"}, lines...),
				"800,n,Queue(800,t,,,100)")}))
		for _, f := range i.report.Findings[1:] {
			found = append(found, f.Text)
		}
		return found
	}
	for want, lines := range map[string][]string{
		"": {"800,n,Gosub(sub-record-check,s,1(q,800,dontcare))"},
		"queue 800: Call Confirm is on: talk with a member counts from the key 1 on": {
			"800,n,Set(__FORCE_CONFIRM=${CHANNEL})"},
		"queue 800: Call Recording is on: it takes no part in the path of a call": {
			"800,n,Gosub(sub-record-check,s,1(q,800,always))"},
	} {
		if got := strings.Join(with(lines...), "; "); got != want {
			t.Errorf("%q: found %q, want %q", lines, got, want)
		}
	}
}

package native

import (
	"regexp"
	"slices"
	"strings"
)

// What FreePBX calls its contexts and subroutines, and where it keeps a user's settings. Read in its
// modules queues, findmefollow and core.
const (
	queueContext  = "ext-queues"            // its queues. Their Answer() is a switch of the queue
	memberContext = "from-queue"            // of members; leads on by the queue's Agent Restrictions
	onlyContext   = "from-queue-exten-only" // Extensions Only
	ownContext    = "from-queue-exten-internal"
	recordSub     = "sub-record-check"
)

// silentSubs are FreePBX's subroutines before a queue that do not answer the caller.
var silentSubs = []string{
	"sub-user-callerid", recordSub, "sub-record-cancel", "app-blacklist-check",
	"user-callerid", "blkvm-set", "blkvm-clr", "prepend-cid", "macro-user-callerid",
	"macro-blkvm-set", "macro-blkvm-clr", "macro-prepend-cid",
}

// switches are what a queue of FreePBX has turned on, as its lines in ext-queues show it.
type switches struct {
	queue    string // "" for no queue of FreePBX
	confirms bool   // Call Confirm
	records  bool   // Call Recording
}

// note takes in a step of a queue's extension.
func (s *switches) note(st step, exten string) {
	s.queue = exten
	if st.set("__FORCE_CONFIRM") != "" {
		s.confirms = true
	}
	if strings.EqualFold(st.app, "gosub") && strings.HasPrefix(st.args, recordSub+",") {
		s.records = strings.Contains(st.args, ",always") || strings.Contains(st.args, ",force") ||
			strings.Contains(st.args, ",yes")
	}
}

// set is what the step gives a variable, "" where it does not.
func (s step) set(variable string) string {
	if value, ok := strings.CutPrefix(s.args, variable+"="); ok && strings.EqualFold(s.app, "set") {
		return value
	}
	return ""
}

// maxWait is the number behind FreePBX's QMAXWAIT, which a virtual queue may replace: "" for none.
var maxWait = regexp.MustCompile(`:\s*(\d*)\s*\)\}$`)

// freePBX reports what a queue of FreePBX has turned on.
func (i *inspector) freePBX(s switches) {
	if s.confirms {
		i.good("queue %s: Call Confirm is on: talk with a member counts from the key 1 on", s.queue)
	}
	if s.records {
		i.good("queue %s: Call Recording is on: it takes no part in the path of a call", s.queue)
	}
}

// oneTouch looks for FreePBX's recording on demand: an application, run in the middle of talk.
func (i *inspector) oneTouch(ask query) {
	if v, ok := ask("AST_CONFIG(features.conf,applicationmap,apprecord)"); ok && v != "" {
		keys, _, _ := strings.Cut(v, ",")
		i.note("features.conf: apprecord (%s) runs an application in the middle of talk: until it is over "+
			"the call is unseen, and free; record all calls of the queue instead, or none", keys)
	}
}

// restrictions reports whom else a queue calls for its members: their follow-me, and their call
// forward.
func (i *inspector) restrictions(queue string, members []string, d dialplan) {
	var extens []string
	for _, m := range members {
		rest, local := strings.CutPrefix(m, "Local/")
		if at, _, _ := strings.Cut(rest, "/"); local && strings.HasSuffix(at, "@"+memberContext) {
			extens = append(extens, strings.TrimSuffix(at, "@"+memberContext))
		}
	}
	if len(extens) == 0 {
		return
	}
	const follow = "in FreePBX set Agent Restrictions of the queue to Extensions Only"
	context := d.memberTarget(queue)
	switch context {
	case onlyContext:
		i.good("queue %s: Agent Restrictions is Extensions Only: just the members' own phones ring", queue)
		return
	case ownContext:
		i.good("queue %s: Agent Restrictions is No Follow-Me or Call Forward: just the members' own "+
			"phones ring", queue)
		return
	case "":
		i.note("queue %s: whether the follow-me of its members rings other phones is not known; %s",
			queue, follow)
		return
	}
	var moved []string
	for _, e := range extens {
		if followed(e, d.ask) {
			moved = append(moved, e)
		}
	}
	who := "none of its members has one at present"
	if len(moved) > 0 {
		who = "so it is now for " + listed(moved)
	}
	i.note("queue %s: Agent Restrictions is Call as Dialed: a member's follow-me or call forward rings "+
		"phones that are no operators', and talk there is free; %s; %s", queue, who, follow)
}

// memberTarget is the context that the members of a queue are called in, "" where it is not known.
func (d dialplan) memberTarget(queue string) string {
	steps, ok := d.steps(queue, memberContext)
	i := slices.IndexFunc(steps, func(s step) bool { return strings.EqualFold(s.app, "goto") })
	if !ok || i < 0 {
		return ""
	}
	context, _, _ := strings.Cut(steps[i].args, ",")
	if strings.ContainsAny(context, "${}") {
		return ""
	}
	return strings.TrimSpace(context)
}

// followed reports whether a user's follow-me is on, or a call forward is set. ARI reads no DB(), so
// the state that FreePBX shows on the phone's key counts, and whether the forward is there.
func followed(exten string, ask query) bool {
	if strings.ContainsAny(exten, `(),${}"\/`) {
		return false
	}
	if v, ok := ask("DB_EXISTS(CF/" + exten + ")"); ok && v == "1" {
		return true
	}
	v, ok := ask("DEVICE_STATE(Custom:FOLLOWME" + exten + ")")
	return ok && v == "INUSE"
}

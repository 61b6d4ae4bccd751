package native

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// queues compares the members of the queues that are known by name with the operators. ARI lists
// no queues: their names come from the services' extensions and from earlier calls.
func (i *inspector) queues(ask query) {
	names := slices.Concat(i.queued, i.plan.Queues)
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		return name == "" || strings.ContainsAny(name, `(),${}"\`) // it cannot be an argument
	})
	if len(names) == 0 {
		i.note("not checked: queue members; neither extensions.conf nor a record of the last days " +
			"names a queue")
		return
	}
	i.oneTouch(ask)
	d := dialplan{ask: ask, contexts: map[string]lines{}}
	reached := map[string]bool{} // the operators' endpoints that a queue calls
	complete := true
	for _, name := range names {
		complete = i.queue(name, d, reached) && complete
	}
	i.note("checked were the members at present of the queues %s; ARI lists no others, and nobody "+
		"who logs in later", listed(names))
	var idle []string
	for _, e := range i.report.Endpoints {
		if i.plan.Operator(e) && !reached[e] {
			idle = append(idle, e)
		}
	}
	if len(idle) > 0 && complete {
		i.note("operators who are in none of these queues: %s", listed(idle))
	}
}

// queue compares one queue's members with the operators. It returns false where a member is not
// known.
func (i *inspector) queue(name string, d dialplan, reached map[string]bool) (complete bool) {
	ask := d.ask
	if v, ok := ask(fmt.Sprintf("QUEUE_EXISTS(%s)", name)); !ok || v != "1" {
		i.note("queue %s: the PBX does not know it, so its members are not known", name)
		return false
	}
	list, ok := ask(fmt.Sprintf("QUEUE_MEMBER_LIST(%s)", name))
	count, counted := ask(fmt.Sprintf("QUEUE_MEMBER(%s,count)", name))
	members := strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
	// A long list is cut off.
	if n, err := strconv.Atoi(count); !ok || !counted || err != nil || n != len(members) {
		i.note("queue %s: the PBX lists %d of its %s members; the others are not known",
			name, len(members), count)
		return false
	}
	i.restrictions(name, members, d)
	if len(members) == 0 {
		i.note("queue %s: it has no members at present", name)
		return true
	}
	var free, unknown []string
	for _, m := range members {
		endpoints := i.dialled(m, ask)
		i.report.Members = append(i.report.Members, Member{name, m, endpoints})
		operator := false
		for _, e := range endpoints {
			if i.plan.Operator(e) {
				operator, reached[e] = true, true
			}
		}
		switch {
		case len(endpoints) == 0:
			unknown = append(unknown, m)
		case !operator:
			free = append(free, m)
		}
	}
	if len(free) > 0 {
		i.note("queue %s: no pattern of operators matches its members %s: talk with them is free",
			name, listed(free))
	}
	if len(unknown) > 0 {
		i.note("queue %s: whom its members %s call is not known: no hint and no endpoint has their "+
			"name; where no pattern of operators matches the phone behind one, its talk is free",
			name, listed(unknown))
	}
	if len(free)+len(unknown) == 0 {
		i.good("queue %s: all its %d members are operators", name, len(members))
	}
	return len(unknown) == 0
}

// hintContext is where FreePBX keeps the hints of its extensions.
const hintContext = "ext-local"

// dialled are the endpoints that a queue's member calls; none where that is not known. A Local
// member, as FreePBX has them (Local/200@from-queue/n), calls what the hint of its extension names,
// or the PJSIP endpoint of that name.
func (i *inspector) dialled(member string, ask query) (endpoints []string) {
	tech, rest, _ := strings.Cut(member, "/")
	rest, _, _ = strings.Cut(rest, "/") // a contact, or the options of a Local channel
	if tech != "Local" {
		return []string{tech + "/" + rest}
	}
	exten, context, _ := strings.Cut(rest, "@")
	if strings.ContainsAny(rest, `(),${}"\`) {
		return nil
	}
	for _, c := range []string{context, hintContext} {
		devices, ok := ask(fmt.Sprintf("HINT(%s@%s)", exten, c))
		if !ok {
			continue
		}
		for d := range strings.FieldsFuncSeq(devices, func(r rune) bool { return r == '&' || r == ',' }) {
			if slices.Contains(i.report.Endpoints, d) { // not Custom:DND200
				endpoints = append(endpoints, d)
			}
		}
		if len(endpoints) > 0 {
			return endpoints
		}
	}
	if e := "PJSIP/" + exten; slices.Contains(i.report.Endpoints, e) {
		return []string{e}
	}
	return nil
}

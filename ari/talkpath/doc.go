// Package talkpath answers one question about one PBX: who talks with whom, since when.
//
// In: the events of the PBX, in the order of arrival, which is the true order (their timestamps
// step back by up to 8 ms). Out: facts about the calls on metered services, and for each event the
// calls it belongs to, so that their evidence can be kept. See [Graph.Step].
//
// A caller talks while all of this holds: a path leads from the caller's channel, through mixing
// bridges and Local pairs of which both halves are Up, to an operator's leg that is Up; and no leg
// on the path has put the others on hold. Everything else is not talk: holding bridges, parking,
// ringing, announcements, another caller, a machine. A Dial ANSWER starts nothing.
//
// What starts talk counts from the latest instant that the call's events have named. What ends it
// counts from the timestamp of the event itself. Where the hold of a leg is not known (after a gap,
// after an unreadable frame about it), the path counts as not seen.
//
// The package is pure: no clock, no I/O, no goroutine, no map order in what it returns. It keeps no
// channel that is gone and no call that has ended.
package talkpath

// Package talkpath answers one question about one PBX: who talks with whom, since when.
//
// In: the PBX's events, in the order of arrival, which is the true order (their timestamps step back by up to 8 ms). Out: facts
// about the calls on metered services, and for each event the calls it belongs to, so that their evidence can be kept.
//
// A caller talks while the part of the graph reached from the caller's channel, through mixing bridges and Local pairs of which both
// halves are Up, holds an operator's leg that is Up, and nobody on the way has put anybody on hold. Everything else is not talk:
// holding bridges, parking, ringing, announcements, another caller, a machine. A Dial ANSWER starts nothing.
//
// What begins talk counts from the latest instant that the call's events have named; what ends it counts from the event's own
// instant. Where a leg's hold is not known (after a gap, after an unreadable frame about it) the path counts as not seen.
//
// The package is pure: no clock, no I/O, no goroutine, no order of a map in what it returns. It never keeps a channel that is
// gone, nor a call that has ended.
package talkpath

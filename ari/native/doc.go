// Package native connects to one Asterisk over its own ARI.
//
// In: an address, a user, an application name. Out: frames in an [ari.Queue], by the contract of
// [ari.Source] ([Source]); answers and channel commands, by that of [ari.Control] ([Control]); what
// a PBX's own configuration would spoil ([Inspect]).
//
// The WebSocket is read by this package itself, and each frame goes straight into the queue: only
// its type is read on the way. Asterisk cuts off a client that reads too slowly, and its backlog
// can make it ignore new calls, so nothing may stand between the socket and the queue.
//
// Requests go through CyCoreSystems/ari, without Connect. Its event bus is not used: it drops
// silently past 100 buffered events, panics on event types it does not know, and never reports a
// reconnect (measured on v5.3.1). What it lacks (all channels in one answer, ping, user events
// without a channel, a context) goes through net/http. See docs/decisions.
//
// It never writes to a disk, and never decides what a call costs.
package native

// Package native watches one Asterisk over its own ARI: events over a WebSocket that this package reads itself, requests through
// CyCoreSystems/ari.
//
// In: an address, a user, an application name. Out: frames in an ari.Queue, by the contract of ari.Source. Between the socket and the
// reader stands nothing: a frame is read, looked at for a few bytes, and put down. Asterisk cuts off a reader that stalls, and its
// backlog can make it ignore new calls.
//
// Why not the library's own events: its bus drops silently past 100 buffered events, panics on event types it does not know,
// and never tells of a reconnect (measured on v5.3.1). Its REST client is used, without Connect; what that one lacks (a list of channels in one
// answer, ping, user events without a channel) goes through net/http. See docs/decisions.
package native

// Package proxy serves the requests of meters about one PBX: ari-proxy's server in a process of its
// own (`risposta proxy`), over an ari.Client of ours.
//
// In: requests over NATS, on ari-proxy's subjects, from ari-proxy's client (package ari/cluster). Out:
// requests to the PBX, and their answers; health and metrics over HTTP, and log lines.
//
// It never passes on an event: ari-proxy's own reading of them drops some and panics at others. It
// never carries out a command after its deadline, nor a request that no meter sends. A PBX that comes
// back with another id, at which ari-proxy would end its process, is served anew under that id.
package proxy

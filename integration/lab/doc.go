// Package lab sets up what a real call needs: Asterisk in a container, SIP parties, a gateway process.
//
// Everything listens on loopback, on ports of its own, and everything it starts it can end by its id. It waits on conditions with
// deadlines, never for a time. Tests and the demonstration use it; it judges nothing (see ../judge).
package lab

// Package lab sets up what a real call needs: Asterisk in a container, SIP phones, a gateway
// process.
//
// In: configuration files, a [Script] for each phone. Out: an [Asterisk], a [Gateway], a [Party]
// for each phone, their logs and records. Everything listens on loopback, on its own ports, and lab
// ends everything that it starts, by id. It waits on conditions with deadlines ([Until]), never for
// a fixed time. It judges nothing: package judge does.
package lab

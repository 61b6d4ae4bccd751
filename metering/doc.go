// Package metering turns facts about calls into charges.
//
// In: facts (Fact): a call arrived, an operator and the caller began to talk, the talk paused, sight was lost, the call ended.
// They come in order, call by call, each with an instant already chosen in the caller's favour. Out: for each call exactly
// one Record when it ends, with the charge and the reasons for it.
//
// The package is a pure function of the facts: no clock, no I/O, no goroutine, nothing that depends on the order of a map. The
// same facts give the same record, byte for byte. It knows nothing of Asterisk and never charges a second that no
// fact calls talk.
package metering

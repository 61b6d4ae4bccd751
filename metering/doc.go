// Package metering turns facts about calls into charges.
//
// In: each [Fact] about a call: it arrived, an operator and the caller began to talk, the talk
// paused, the PBX could not be seen, the call ended. The facts of a call come in order, each with
// an instant already chosen in the caller's favour. Out: one [Record] for each call when it ends,
// with the charge and the [Reason] for it.
//
// The package is a pure function of the facts: no clock, no I/O, no goroutine, nothing that depends
// on the order of a map. The same facts give the same record, byte for byte. It knows nothing of
// Asterisk, and never charges a second that no fact calls talk.
//
// The comments of the record's types are the descriptions in docs/record.schema.json:
// `go generate ./metering` writes it, and a test fails when it is out of date.
package metering

//go:generate go test -run ^TestRecordSchema$ -count=1 . -write

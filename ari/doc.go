// Package ari is Asterisk as Risposta knows it: what happened ([Event]), what exists ([Snapshot]),
// who delivers both ([Source]) and who asks and acts ([Control]).
//
// In: the JSON frames of Asterisk's REST interface events, one at a time, in the order in which
// Asterisk sent them. Out: values. A frame that cannot be read becomes an *[Unreadable] error with
// what could be salvaged from it; it never becomes a guess.
//
// The package never talks to a network and never reads a clock: package ari/native does. An Event
// keeps only what the questions "who is connected with whom" and "who is this caller" need.
// [EncodeEvidence] writes it in the form in which evidence is kept, without any number, and
// [DecodeEvidence] reads that back.
package ari

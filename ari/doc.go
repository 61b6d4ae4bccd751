// Package ari is Asterisk as Risposta sees it: what happened (Event), what is (Snapshot), and where both come
// from (Source).
//
// In: the JSON frames of Asterisk's REST interface events, one at a time, in the order in which Asterisk sent them.
// Out: values. A frame that cannot be read becomes an *Unreadable error that says what could be salvaged from it;
// it never becomes a guess.
//
// The package never talks to a network and never reads a clock; ari/native does the first, nobody does the second.
// An Event keeps only what the questions "who is connected with whom" and "who is this caller" need. It can be written
// again in Asterisk's own field names (Encode), which is the form in which evidence is kept: no caller number in it.
package ari

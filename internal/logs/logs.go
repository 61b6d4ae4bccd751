// Package logs is the vocabulary of the gateway's log: each event, what it means, what to do.
//
// In: nothing. Out: the events as values. docs/logs.md is made of them, `risposta logs explain` prints
// them, and the gateway's logger knows by them which lines may come again and again. It logs nothing
// itself.
package logs

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

//go:generate go test -run TestDocument -write .

// Event is one event of the log: one name, one meaning, one line. Its texts are Markdown.
type Event struct {
	Name   string
	Levels string // such as "info", or "info, error" where it depends
	// Meaning is what has happened.
	Meaning string
	// Fields are those of the line, beside pbx.
	Fields string
	// Do is what to do about it. "": nothing.
	Do string
	// Repeats: what it reports may go on and on. At most MostAMinute lines a minute are written, of
	// each PBX, and [LeftOut] says how many were not.
	Repeats bool
}

// LeftOut is the event that says how many lines were left out.
const LeftOut = "log.left_out"

// MostAMinute bounds the lines of one event that repeats: enough to follow what goes on, and a log
// that is not filled by one cause.
const MostAMinute = 10

// Section is a part of the vocabulary.
type Section struct {
	Title  string
	Events []Event
}

// Sections are all events, as docs/logs.md has them.
func Sections() []Section {
	return []Section{
		{"The gateway and its PBXs", gatewayEvents},
		{"The tap beside a PBX", tapEvents},
		{"The proxy of a PBX", proxyEvents},
		{"The meters of a cluster", meterEvents},
		{"Calls", callEvents},
		{"Lookups and the ledger", ledgerEvents},
	}
}

var byName = func() map[string]Event {
	all := map[string]Event{}
	for _, s := range Sections() {
		for _, e := range s.Events {
			all[e.Name] = e
		}
	}
	return all
}()

// Find returns an event by its name.
func Find(name string) (Event, bool) {
	e, ok := byName[name]
	return e, ok
}

// Names are those of all events, in order.
func Names() []string { return slices.Sorted(maps.Keys(byName)) }

// Write explains the event to people.
func (e Event) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s.\n", e.Name, e.Levels, plain(e.Meaning))
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "  %-11s %s\n", name+":", plain(text))
		}
	}
	line("fields", e.Fields)
	line("what to do", e.Do)
	if e.Repeats {
		line("limited", fmt.Sprintf("at most %d lines a minute of each PBX; %s says how many were left out",
			MostAMinute, LeftOut))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// plain is a text without Markdown.
func plain(text string) string {
	text = links.Replace(text)
	return strings.ReplaceAll(text, "`", "")
}

// links are those of the texts.
var links = strings.NewReplacer("[the record](record.md)", "the record (docs/record.md)")

package logs_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/risposta/gateway/internal/logs"
)

var write = flag.Bool("write", false, "write the tables of docs/logs.md")

const document = "../../docs/logs.md"

// table is a section as docs/logs.md has it.
func table(s logs.Section) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n| event | level | meaning | fields | what to do |\n|---|---|---|---|---|\n",
		s.Title)
	for _, e := range s.Events {
		levels := e.Levels
		if e.Repeats {
			levels += "; limited"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", e.Name, levels, e.Meaning, e.Fields, e.Do)
	}
	return b.String()
}

// The tables of docs/logs.md are made of the events.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	for _, s := range logs.Sections() {
		have := regexp.MustCompile(`(?m)^## ` + regexp.QuoteMeta(s.Title) + `\n\n(\|.*\n)*`).FindString(doc)
		want := table(s)
		if *write {
			doc = strings.Replace(doc, have, want, 1)
		} else if have != want {
			t.Errorf("the table %q of %s is out of date: run go generate ./internal/logs", s.Title, document)
		}
	}
	if *write {
		if err := os.WriteFile(document, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Each event says what it means, and one that wants something names a page that exists.
func TestEventsAreComplete(t *testing.T) {
	page := regexp.MustCompile(`docs/runbooks/[a-z-]+\.md`)
	for _, name := range logs.Names() {
		e, _ := logs.Find(name)
		if e.Meaning == "" || !regexp.MustCompile(`^(info|warn|error)(, (info|warn|error))*$`).MatchString(e.Levels) {
			t.Errorf("%s: levels %q, meaning %q", name, e.Levels, e.Meaning)
		}
		if strings.Contains(e.Levels, "error") && e.Do == "" {
			t.Errorf("%s is an error, and nothing says what to do", name)
		}
		for _, path := range page.FindAllString(e.Do, -1) {
			if _, err := os.Stat("../../" + path); err != nil {
				t.Errorf("%s names %s: %v", name, path, err)
			}
		}
	}
}

func TestAnEventIsExplained(t *testing.T) {
	e, ok := logs.Find("pbx.sync_lost")
	if !ok {
		t.Fatal("pbx.sync_lost is unknown")
	}
	var b strings.Builder
	if err := e.Write(&b); err != nil {
		t.Fatal(err)
	}
	const want = `pbx.sync_lost (warn): a gap: nothing is known from the last event on.
  fields:     reason, error
  what to do: Nothing, if pbx.synced follows within seconds. Else see docs/runbooks/sync.md.
  limited:    at most 10 lines a minute of each PBX; log.left_out says how many were left out
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

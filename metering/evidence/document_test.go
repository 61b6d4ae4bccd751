package evidence

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// frameTypes are all types of frames, each with its Go type and what reads and writes it again.
var frameTypes = map[string]struct {
	fields any
	again  func([]byte) ([]byte, error)
}{
	TypeCall:            {Call{}, again[Call](TypeCall)},
	TypeExemption:       {Exemption{}, again[Exemption](TypeExemption)},
	TypeCaller:          {Caller{}, again[Caller](TypeCaller)},
	TypeAnnouncement:    {Announcement{}, again[Announcement](TypeAnnouncement)},
	TypeGap:             {Gap{}, again[Gap](TypeGap)},
	TypeSnapshot:        {Snapshot{}, again[Snapshot](TypeSnapshot)},
	TypeLegSnapshot:     {nil, again[LegSnapshot](TypeLegSnapshot)}, // documented by Snapshot
	TypeUnreadableFrame: {UnreadableFrame{}, again[UnreadableFrame](TypeUnreadableFrame)},
	TypeFindings:        {Findings{}, again[Findings](TypeFindings)},
	TypeResolved:        {Resolved{}, again[Resolved](TypeResolved)},
	TypeReconciled:      {Reconciled{}, again[Reconciled](TypeReconciled)},
}

// parts are the objects within frames, by the name that the document gives their fields.
var parts = map[string]any{
	"tariff": Tariff{}, "policy": Policy{}, "leg": Leg{}, "channel": Channel{},
	"dialplan": Dialplan{}, "bridge": Bridge{}, "finding": Finding{}, "conference": Conference{},
}

func again[T timed](frameType string) func([]byte) ([]byte, error) {
	return func(frame []byte) ([]byte, error) {
		body, err := decode[T](frameType, frame)
		return encode(frameType, body), err
	}
}

func document(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sections are the document's parts about the gateway's frames, by type.
func sections(t *testing.T) map[string]string {
	t.Helper()
	_, text, _ := strings.Cut(document(t), "## The gateway's frames")
	text, _, _ = strings.Cut(text, "\n## ")
	found := map[string]string{}
	for _, section := range strings.Split(text, "\n### ")[1:] {
		frameType, rest, _ := strings.Cut(section, "\n")
		found[frameType] = rest
	}
	return found
}

// tables are the fields that each table of a text documents, by the title of its first column.
func tables(text string) map[string][]string {
	found := map[string][]string{}
	title := ""
	cell := regexp.MustCompile("^\\| (?:`([a-z_]+)`|((?:[a-z]+ )?field)) \\|")
	for line := range strings.Lines(text) {
		m := cell.FindStringSubmatch(line)
		switch {
		case m == nil:
		case m[2] != "":
			title = m[2]
		default:
			found[title] = append(found[title], m[1])
		}
	}
	return found
}

func fieldsOf(v any) (names []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func TestTheDocumentHasEachTypeAndField(t *testing.T) {
	sections := sections(t)
	got, want := slices.Sorted(maps.Keys(sections)), slices.Sorted(maps.Keys(frameTypes))
	if !slices.Equal(got, want) {
		t.Errorf("docs/evidence.md has the types %v, want %v", got, want)
	}
	all := map[string][]string{}
	for frameType, text := range sections {
		for title, fields := range tables(text) {
			if title == "field" {
				title = frameType
			}
			all[title] = fields
		}
	}
	want = nil
	for frameType, f := range frameTypes {
		if f.fields != nil {
			want = append(want, fmt.Sprint(frameType, fieldsOf(f.fields)))
		}
	}
	for part, v := range parts {
		want = append(want, fmt.Sprint(part, " field", fieldsOf(v)))
	}
	got = nil
	for title, fields := range all {
		got = append(got, fmt.Sprint(title, fields))
	}
	slices.Sort(got)
	slices.Sort(want)
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("docs/evidence.md has\n%s\nwant\n%s", g, w)
	}
}

// Each example of the document reads, and is what the gateway writes.
func TestTheExamplesOfTheDocumentAreEvidence(t *testing.T) {
	examples := regexp.MustCompile("(?s)```json\n(.*?)\n```")
	for frameType, text := range sections(t) {
		found := examples.FindAllStringSubmatch(text, -1)
		if len(found) != 1 {
			t.Errorf("%s has %d examples, want one", frameType, len(found))
			continue
		}
		line, err := frameTypes[frameType].again([]byte(found[0][1]))
		if err != nil {
			t.Error(err)
		}
		if string(line) != found[0][1] {
			t.Errorf("the example of %s reads as\n%s", frameType, line)
		}
	}
	want := fmt.Sprintf("the version of the format: %d |", Version)
	if !strings.Contains(document(t), want) {
		t.Errorf("docs/evidence.md does not say %q", want)
	}
}

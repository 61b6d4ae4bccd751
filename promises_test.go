package gateway_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var promise = regexp.MustCompile("(?m)^\\| ([^|]+\\.md) \\| ([^|]+) \\| (`[^|]+) \\|$")

// What the documents promise of proof, privacy and erasure is in them, and each promise has tests.
func TestPromisesAreHeldByTests(t *testing.T) {
	text, err := os.ReadFile("docs/promises.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testNames(t)
	rows := promise.FindAllStringSubmatch(string(text), -1)
	if lines := strings.Count(string(text), ".md | "); len(rows) < 25 || len(rows) != lines {
		t.Errorf("%d promises were read of %d lines", len(rows), lines)
	}
	docs := documents(t)
	for _, row := range rows {
		if words(docs[row[1]]) == "" || !strings.Contains(words(docs[row[1]]), words(row[2])) {
			t.Errorf("%s does not say %q", row[1], row[2])
		}
		for _, name := range strings.Split(row[3], ", ") {
			if !tests[strings.Trim(name, "`")] {
				t.Errorf("there is no test %s", name)
			}
		}
	}
}

// words is a text with single spaces.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// testNames are the names of all tests.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			names[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

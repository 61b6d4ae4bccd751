package gateway_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	namedPath = regexp.MustCompile("(?m)(?:^|[\\s(`'\"|])(?:\\./)?((?:ari|cmd|internal|metering|" +
		"integration|deploy|docs|scripts|tools)/[\\w./*-]*\\w)")
	namedTest   = regexp.MustCompile(`\b(?:Test|Benchmark|Fuzz)[A-Z]\w+`)
	selected    = regexp.MustCompile(`-(?:run|bench|fuzz) '?([A-Z][a-z]\w+)`)
	namedTarget = regexp.MustCompile("(?m)(?:^    |`)make ([a-z-]+)")
	testFunc    = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)[A-Z]\w*)\(`)
	makeTarget  = regexp.MustCompile(`(?m)^([a-z-]+):.*##`)
)

// Each file, test and make target that a document names exists; so does each test that the Makefile
// names. A name may be the beginning of several tests, a path may be a pattern.
func TestNamesInDocumentsExist(t *testing.T) {
	docs, checked := documents(t), 0
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	tests, targets := testFunctions(t), names(makeTarget, string(makefile))
	for doc, text := range docs {
		for path := range names(namedPath, text) {
			checked++
			if found, err := filepath.Glob(path); err != nil || len(found) == 0 {
				t.Errorf("%s names %s, which does not exist", doc, path)
			}
		}
	}
	docs["Makefile"] = string(makefile)
	for doc, text := range docs {
		for _, name := range namedTest.FindAllString(text, -1) {
			checked++
			if !anyTest(tests, strings.HasPrefix, name) {
				t.Errorf("%s names %s: no test is called so", doc, name)
			}
		}
		for name := range names(selected, text) {
			checked++
			if !anyTest(tests, strings.Contains, name) {
				t.Errorf("%s selects %s: that selects no test", doc, name)
			}
		}
		for target := range names(namedTarget, text) {
			checked++
			if !targets[target] {
				t.Errorf("%s names `make %s`: there is no such target", doc, target)
			}
		}
	}
	if checked < 150 {
		t.Errorf("only %d names were found", checked)
	}
}

func anyTest(tests []string, matches func(test, name string) bool, name string) bool {
	for _, test := range tests {
		if matches(test, name) {
			return true
		}
	}
	return false
}

// testFunctions are the names of all tests, benchmarks and fuzz targets of the tree.
func testFunctions(t *testing.T) (all []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for name := range names(testFunc, string(text)) {
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Each reason of a gap stands in docs/logs.md, and every one of the document in the code.
func TestGapReasonsAreDocumented(t *testing.T) {
	code := ""
	for _, path := range []string{"ari/event.go", "metering/correction.go"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		code += string(text)
	}
	_, section, _ := strings.Cut(documents(t)["docs/logs.md"], "## Reasons of a gap\n")
	inCode := names(regexp.MustCompile(`\bGap[A-Z]\w+\s+= "([a-z_]+)"`), code)
	inDoc := names(regexp.MustCompile("(?m)^\\| `([a-z_]+)`"), section)
	if len(inCode) < 8 || !maps.Equal(inCode, inDoc) {
		t.Errorf("the code has %v, docs/logs.md %v", inCode, inDoc)
	}
}

package gateway_test

//go:generate go test -run ^TestThirdPartyNotices$ -count=1 . -notices

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var writeNotices = flag.Bool("notices", false, "write THIRD_PARTY_NOTICES")

const noticesHead = `Risposta's binary contains these modules, each under its own licence.
Made by go generate . from the modules' own files. Do not edit.
`

// licenceFile is the name of a file whose text must go with the binary.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-.].*)?$`)

// THIRD_PARTY_NOTICES has the licences of all modules of the binary, and of Go's library.
func TestThirdPartyNotices(t *testing.T) {
	var b strings.Builder
	b.WriteString(noticesHead)
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	section(t, &b, "Go standard library", strings.TrimSpace(string(root)))
	for _, m := range modulesOf(t, "./cmd/gateway") {
		section(t, &b, m.Path+" "+m.Version, m.Dir)
	}
	const file = "THIRD_PARTY_NOTICES"
	if *writeNotices {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != b.String() {
		t.Errorf("%s is out of date: run go generate .", file)
	}
}

type goModule struct{ Path, Version, Dir string }

// modulesOf are the modules that a program is made of, sorted by path.
func modulesOf(t *testing.T, program string) (all []goModule) {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=Module", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p struct{ Module *goModule }
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if p.Module != nil && p.Module.Path != module && !slices.Contains(all, *p.Module) {
			all = append(all, *p.Module)
		}
	}
	slices.SortFunc(all, func(a, b goModule) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// section adds the licence files of a folder.
func section(t *testing.T, b *strings.Builder, name, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, e := range entries {
		if !e.Type().IsRegular() || !licenceFile.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		found = true
		fmt.Fprintf(b, "\n%s\n%s: %s\n\n%s\n", strings.Repeat("=", 78), name, e.Name(),
			strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
	}
	if !found {
		t.Errorf("%s has no licence file", name)
	}
}

package main

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"risposta": func() {
			os.Exit(run(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
		},
	})
}

// Each script of testdata/script is a session at a terminal.
func TestScripts(t *testing.T) {
	traces, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	signed, _ := signedLedger(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TRACES", traces+"/../../integration/testdata/traces")
			e.Setenv("DOCS", traces+"/../..")
			e.Setenv("SIGNED", filepath.Dir(signed))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"caller": setCaller, "example": runExample,
		},
	})
}

// docs/operations.md has a row for each command, and for no other.
func TestCommandsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented, code []string
	for _, m := range regexp.MustCompile("(?m)^\\| `risposta ([a-z]+)").FindAllStringSubmatch(
		string(doc), -1) {
		documented = append(documented, m[1])
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[commands]()) {
		code = append(code, strings.ToLower(field.Name))
	}
	slices.Sort(documented)
	slices.Sort(code)
	if documented = slices.Compact(documented); !slices.Equal(documented, code) {
		t.Errorf("documented are %q, the commands are %q", documented, code)
	}
}

// setCaller is the command `caller NUMBER IN OUT`: it copies a recording, with the caller's number
// as another network would have sent it.
func setCaller(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: caller NUMBER IN OUT")
	}
	const recorded = `"number":"+390612345678"`
	text := ts.ReadFile(args[1])
	if !strings.Contains(text, recorded) {
		ts.Fatalf("%s has no %s", args[1], recorded)
	}
	text = strings.ReplaceAll(text, recorded, `"number":"`+args[0]+`"`)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(text), 0o600))
}

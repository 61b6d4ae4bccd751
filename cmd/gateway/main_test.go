package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"gateway": func() {
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
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TRACES", traces+"/../../integration/testdata/traces")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"caller": setCaller},
	})
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

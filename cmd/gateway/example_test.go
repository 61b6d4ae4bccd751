package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// standIns are what an example runs in place of what belongs to the machine. Each prints what it was
// to do.
const standIns = `set -eu
systemctl() { echo "systemctl $*"; }
apt() { echo "apt $*"; }
chown() { echo "chown $*"; }
`

// runExample is the command `example MACHINE DOCUMENT COMMAND`: it runs the block of the document that
// has the command, on a machine whose folders are in $WORK/MACHINE.
func runExample(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: example MACHINE DOCUMENT COMMAND")
	}
	machine := ts.MkAbs(args[0])
	block := exampleBlock(ts.ReadFile(filepath.Join(ts.Getenv("DOCS"), args[1])), args[2])
	if block == "" {
		ts.Fatalf("%s has no block with %q", args[1], args[2])
	}
	for _, folder := range []string{"/etc/risposta", "/var/lib/risposta", "/var/backups", "/root/"} {
		block = strings.ReplaceAll(block, " "+folder, " "+machine+folder)
	}
	block = strings.ReplaceAll(block, "integration/testdata/traces", ts.Getenv("TRACES"))
	script := ts.MkAbs("example.sh")
	ts.Check(os.WriteFile(script, []byte(standIns+block), 0o600))
	ts.Check(ts.Exec("bash", script))
}

// exampleBlock is the block of code of a text that has a line which begins with the command.
func exampleBlock(text, command string) string {
	var block []string
	fenced, found := false, false
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		fence := strings.HasPrefix(trimmed, "```")
		switch {
		case fence:
			fenced = !fenced
			fallthrough
		case !fenced && !strings.HasPrefix(line, "    "):
			if found {
				return strings.Join(block, "")
			}
			block = nil
		default:
			found = found || strings.HasPrefix(trimmed, command)
			block = append(block, strings.TrimPrefix(line, "    "))
		}
	}
	return ""
}

package main

//go:generate go test -run "^Test(Manual|Completion)$" -count=1 . -write

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var write = flag.Bool("write", false, "write the manual and the completion")

// generated holds a file of the package to the commands; with -write it writes it.
func generated(t *testing.T, file, text string) {
	t.Helper()
	if *write {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != text {
		t.Errorf("%s is out of date: run go generate ./cmd/gateway", file)
	}
}

// roff is text as the page has it. A line must not begin with a dot or an apostrophe.
func roff(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "\n.", "\n\\&.").Replace(text)
}

// The man page has each command with its arguments and flags.
func TestManual(t *testing.T) {
	model := newParser(&commands{}).Model
	var b strings.Builder
	fmt.Fprintf(&b, ".\\\" Made by go generate ./cmd/gateway from the commands. Do not edit.\n"+
		".TH RISPOSTA 1\n.SH NAME\nrisposta \\- meters a paid service line from the operator\\(aqs answer\n"+
		".SH SYNOPSIS\n.B risposta\n.I COMMAND\n.RI [ FLAG ...]\n.SH DESCRIPTION\n%s\n.SH COMMANDS\n",
		roff(model.Help))
	for _, n := range model.Leaves(true) {
		fmt.Fprintf(&b, ".SS %s\n%s\n", roff(n.Summary()), roff(n.Help))
		for _, p := range n.Positional {
			item(&b, p.Summary(), p.Help)
		}
		for _, group := range n.AllFlags(true) {
			for _, f := range group {
				if f.Name != "help" {
					item(&b, f.String(), f.Help)
				}
			}
		}
	}
	b.WriteString(".SH EXIT STATUS\n0: done. 1: it failed, or a check found a problem. " +
		"2: the command line or the\nconfiguration is wrong, and nothing was started.\n" +
		".SH FILES\n.I /etc/risposta/gateway.yaml\n.br\n.I /var/lib/risposta/ledger.db\n" +
		".SH SEE ALSO\n.BR asterisk (8),\n.BR systemctl (1)\n")
	generated(t, "../../deploy/package/risposta.1", b.String())
}

func item(b *strings.Builder, name, help string) {
	fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(name), roff(help))
}

// The completion of bash has each command and flag.
func TestCompletion(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Made by go generate ./cmd/gateway from the commands. Do not edit.\n" +
		"_risposta() {\n  local current=${COMP_WORDS[COMP_CWORD]} word path=\"\" words=\"\"\n" +
		"  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n" +
		"    case \"$path $word\" in\n")
	nodes := commandNodes(newParser(&commands{}).Model.Node, "")
	var paths []string
	for _, n := range nodes {
		if n.path != "" {
			paths = append(paths, fmt.Sprintf("%q", n.path))
		}
	}
	fmt.Fprintf(&b, "      %s) path+=\" $word\" ;;\n    esac\n  done\n", strings.Join(paths, " | "))
	b.WriteString("  case \"$path\" in\n")
	for _, n := range nodes {
		fmt.Fprintf(&b, "    %q) words=%q ;;\n", n.path, strings.Join(n.words, " "))
	}
	b.WriteString("  esac\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n" +
		"  [ ${#COMPREPLY[@]} -gt 0 ] || mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n}\n" +
		"complete -o filenames -F _risposta risposta\n")
	generated(t, "../../deploy/package/risposta.bash", b.String())
}

// commandNode is a command, and what may follow it.
type commandNode struct {
	path  string // " exempt add"
	words []string
}

func commandNodes(n *kong.Node, path string) (all []commandNode) {
	var words []string
	for _, c := range n.Children {
		words = append(words, c.Name)
	}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			words = append(words, "--"+f.Name)
		}
	}
	slices.Sort(words)
	all = append(all, commandNode{path, slices.Compact(words)})
	for _, c := range n.Children {
		all = append(all, commandNodes(c, path+" "+c.Name)...)
	}
	return all
}

package gateway_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// documents are the texts of all Markdown files, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	docs := map[string]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != ".":
			return fs.SkipDir
		case filepath.Ext(path) == ".md":
			text, err := os.ReadFile(path)
			docs[path] = string(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(docs) < 20 {
		t.Errorf("only %d documents were found", len(docs))
	}
	return docs
}

// prose blanks the code blocks of a document: what is fenced, or indented after a blank line.
func prose(text string) []string {
	lines := strings.Split(text, "\n")
	fenced, indented := false, false
	for i, line := range lines {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		code := strings.HasPrefix(line, "    ")
		indented = code && (indented || i == 0 || strings.TrimSpace(lines[i-1]) == "")
		if fence {
			fenced = !fenced
		}
		if fence || fenced || indented {
			lines[i] = ""
		}
	}
	return lines
}

var link = regexp.MustCompile(`\]\(([^)\s]*)\)`)

func TestDocumentsAreAtMost100ColumnsWide(t *testing.T) {
	for path, text := range documents(t) {
		for i, line := range prose(text) {
			if strings.HasPrefix(line, "|") {
				continue
			}
			if n := utf8.RuneCountInString(link.ReplaceAllString(line, "]")); n > 100 {
				t.Errorf("%s:%d: %d columns", path, i+1, n)
			}
		}
	}
}

func TestLinksOfDocumentsResolve(t *testing.T) {
	docs, links := documents(t), 0
	for path, text := range docs {
		for _, m := range link.FindAllStringSubmatch(strings.Join(prose(text), "\n"), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			file, anchor, _ := strings.Cut(m[1], "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", path, m[1], err)
			} else if anchor != "" && !anchors(docs[target])[anchor] {
				t.Errorf("%s links to %s: there is no such heading", path, m[1])
			}
		}
	}
	if links < 40 {
		t.Errorf("only %d links were found", links)
	}
}

// anchors are the headings of a document, as links name them.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, line := range prose(text) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && line[0] == '#' {
			name := regexp.MustCompile(`[^\pL\pN _-]`).ReplaceAllString(strings.ToLower(title), "")
			found[strings.ReplaceAll(name, " ", "-")] = true
		}
	}
	return found
}

// Decisions are numbered without a gap, have a status, and are in the index with that status.
func TestDecisionsAreInTheIndex(t *testing.T) {
	docs := documents(t)
	files, err := filepath.Glob("docs/decisions/[0-9]*.md")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d decisions were found, %v", len(files), err)
	}
	index := docs["docs/decisions/README.md"]
	rows := regexp.MustCompile(`(?m)^\| \[\d{4}\].*$`).FindAllString(index, -1)
	if len(rows) != len(files) {
		t.Errorf("the index has %d decisions, want %d", len(rows), len(files))
	}
	head := regexp.MustCompile(`^# (\d{4}) .+\n\nStatus: (accepted|superseded by \d{4})[,;\n]`)
	for i, path := range files {
		number := fmt.Sprintf("%04d", i+1)
		m := head.FindStringSubmatch(docs[path])
		if m == nil || m[1] != number || !strings.HasPrefix(filepath.Base(path), number+"-") {
			t.Errorf("%s: want the number %s in its name and title, then a status", path, number)
			continue
		}
		entry := "| [" + number + "](" + filepath.Base(path) + ") |"
		if i >= len(rows) || !strings.HasPrefix(rows[i], entry) ||
			!strings.HasSuffix(rows[i], "| "+m[2]+" |") {
			t.Errorf("the index has no row %d that begins %q and ends with %q", i+1, entry, m[2])
		}
	}
}

// Every exported name in docs/architecture.md is declared in the package that the document names.
func TestNamesInTheArchitectureExist(t *testing.T) {
	declared := declarations(t)
	text := documents(t)["docs/architecture.md"]
	name := regexp.MustCompile("`([a-z]+\\.[A-Z]\\w*(?:\\.[A-Z]\\w*)?)`")
	qualified := name.FindAllStringSubmatch(text, -1)
	for _, m := range qualified {
		if !declared[m[1]] && !strings.HasPrefix(m[1], "risposta.") { // a type of evidence
			t.Errorf("docs/architecture.md names %s, which is not declared", m[1])
		}
	}
	if len(qualified) < 20 {
		t.Errorf("only %d names were found", len(qualified))
	}
}

// declarations are the names of the tree, as package.Name or package.Type.Method.
func declarations(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, p := range packages(t) {
		for _, name := range p.GoFiles {
			path := filepath.Join(p.Dir, name)
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				declare(found, f.Name.Name+".", d)
			}
		}
	}
	return found
}

func declare(found map[string]bool, pkg string, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			found[pkg+d.Name.Name] = true
			return
		}
		of := d.Recv.List[0].Type
		if star, ok := of.(*ast.StarExpr); ok {
			of = star.X
		}
		if id, ok := of.(*ast.Ident); ok {
			found[pkg+id.Name+"."+d.Name.Name] = true
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				found[pkg+s.Name.Name] = true
			case *ast.ValueSpec:
				for _, n := range s.Names {
					found[pkg+n.Name] = true
				}
			}
		}
	}
}

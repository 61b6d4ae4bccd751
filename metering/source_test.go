package metering_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// source is what the Go source of a package has beyond its types, each comment as one line.
type source struct {
	types     map[string]string     // comments, by Type
	fields    map[string]string     // comments, by Type.Field
	constants map[string][]constant // of text, by Type
}

type constant struct{ name, value, comment string }

func parseSource(t *testing.T, dir string) source {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no Go files in %s: %v", dir, err)
	}
	s := source{map[string]string{}, map[string]string{}, map[string][]constant{}}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if decl, ok := d.(*ast.GenDecl); ok {
				s.add(decl)
			}
		}
	}
	return s
}

func (s source) add(decl *ast.GenDecl) {
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			s.types[spec.Name.Name] = oneLine(decl.Doc)
			if fields, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range fields.Fields.List {
					for _, id := range f.Names {
						s.fields[spec.Name.Name+"."+id.Name] = oneLine(f.Doc)
					}
				}
			}
		case *ast.ValueSpec:
			s.addConstant(decl.Tok, spec)
		}
	}
}

// addConstant adds a constant of a named type that is a text.
func (s source) addConstant(tok token.Token, spec *ast.ValueSpec) {
	typ, named := spec.Type.(*ast.Ident)
	if tok != token.CONST || !named || len(spec.Values) != 1 {
		return
	}
	lit, ok := spec.Values[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return
	}
	value, err := strconv.Unquote(lit.Value)
	if err != nil {
		return
	}
	c := constant{name: spec.Names[0].Name, value: value, comment: oneLine(spec.Doc)}
	if c.comment == "" {
		c.comment = oneLine(spec.Comment)
	}
	c.comment = sentence(strings.TrimPrefix(c.comment, c.name+": "))
	s.constants[typ.Name] = append(s.constants[typ.Name], c)
}

func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

func oneLine(comment *ast.CommentGroup) string {
	return strings.Join(strings.Fields(comment.Text()), " ")
}

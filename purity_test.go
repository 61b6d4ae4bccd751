package gateway_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"testing"
)

// pure packages do no input or output, read no clock, draw no random number and start nothing: what
// they return depends on their arguments alone.
var (
	pure = []string{
		"metering", "metering/numbering", "metering/policy", "metering/tariff",
		"metering/ledger/merkle", "metering/quality", "ari/talkpath", "metering/evidence",
		"internal/mediation", "internal/live",
	}
	impure = regexp.MustCompile(`^(os|net|io/fs|database/.*|log.*|syscall|os/.*|net/.*|` +
		`time/tzdata|sync|math/rand.*|crypto/rand)$`)
	// clocks are the functions of package time that depend on when they are called.
	clocks = map[string]bool{
		"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true,
		"NewTimer": true, "NewTicker": true, "Tick": true,
	}
)

func TestPurePackagesArePure(t *testing.T) {
	files := 0
	for _, p := range packages(t) {
		for _, path := range pure {
			if p.ImportPath != module+"/"+path {
				continue
			}
			for _, imp := range p.Imports {
				if impure.MatchString(imp) {
					t.Errorf("%s imports %s: it must be a pure function of its arguments", path, imp)
				}
			}
			for _, name := range p.GoFiles {
				files++
				checkPure(t, filepath.Join(p.Dir, name))
			}
		}
	}
	if files < len(pure) {
		t.Errorf("only %d files were found", files)
	}
}

// checkPure reports each goroutine that a file starts, and each clock that it reads.
func checkPure(t *testing.T, path string) {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			t.Errorf("%s starts a goroutine", set.Position(n.Pos()))
		case *ast.SelectorExpr:
			if pkg, ok := n.X.(*ast.Ident); ok && pkg.Name == "time" && clocks[n.Sel.Name] {
				t.Errorf("%s calls time.%s", set.Position(n.Pos()), n.Sel.Name)
			}
		}
		return true
	})
}

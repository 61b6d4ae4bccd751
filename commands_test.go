package gateway_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// domain are the packages whose work no command does itself: Asterisk, prices, laws, numbers, and
// the files behind ledger and register. A package stands for those below it, too.
var domain = []string{
	"ari", "metering/tariff", "metering/policy", "metering/numbering", "metering/evidence",
	"metering/exemption/csv", "metering/exemption/http", "metering/exemption/sql",
	"metering/ledger/sqlite", "metering/ledger/postgres", "internal/sqlitefile",
}

// A command has flags, output and an exit code. A blank import may choose a driver.
func TestCommandsDoNoDomainWork(t *testing.T) {
	commands := 0
	for _, p := range packages(t) {
		if !strings.HasPrefix(p.ImportPath, module+"/cmd/") {
			continue
		}
		commands++
		for _, name := range p.GoFiles {
			path := filepath.Join(p.Dir, name)
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, imp := range f.Imports {
				path := strings.TrimPrefix(strings.Trim(imp.Path.Value, `"`), module+"/")
				driver := imp.Name != nil && imp.Name.Name == "_"
				if !driver && may("", path, domain) {
					t.Errorf("%s imports %s: its work belongs into a package under internal/",
						name, path)
				}
			}
		}
	}
	if commands == 0 {
		t.Error("no command was found")
	}
}

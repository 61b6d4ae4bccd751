// Package gateway_test keeps what the whole tree promises: which package may import which, a
// comment on each package, names that documents and code share.
package gateway_test

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const module = "github.com/risposta/gateway"

// mayImport lists what each package may import of ours. A package that is not listed may not exist.
var mayImport = map[string][]string{
	"metering":                    {"metering/policy", "metering/tariff"},
	"metering/evidence":           {"metering", "metering/policy", "metering/tariff"},
	"metering/numbering":          {"metering"},
	"metering/policy":             {},
	"metering/quality":            {"metering"},
	"metering/recordtest":         {},
	"metering/tariff":             {},
	"metering/exemption":          {"metering"},
	"metering/exemption/csv":      {"metering", "metering/exemption", "metering/numbering"},
	"metering/exemption/http":     {"metering", "metering/exemption"},
	"metering/exemption/list":     {},
	"metering/exemption/registry": {"metering", "metering/exemption", "metering/numbering", "internal/sqlitefile"},
	"metering/exemption/sql":      {"metering", "metering/exemption", "internal/postgresdsn"},
	"metering/ledger":             {"metering", "metering/ledger/merkle", "metering/quality"},
	"metering/ledger/ledgertest":  {"metering", "metering/ledger", "metering/quality"},
	"metering/ledger/merkle":      {},
	"metering/ledger/sqlite": {
		"metering", "internal/sqlitefile", "metering/ledger", "metering/quality",
	},
	"metering/ledger/postgres": {
		"metering", "internal/postgresdsn", "metering/ledger", "metering/ledger/sqlite", "metering/quality",
	},
	"metering/delivery":          {"metering", "metering/ledger", "metering/tariff"},
	"metering/delivery/age":      {"metering"},
	"metering/delivery/file":     {"metering/delivery", "metering/tariff"},
	"metering/delivery/nats":     {"metering/delivery"},
	"metering/delivery/postgres": {"metering/delivery", "metering/tariff", "internal/postgresdsn"},
	"metering/delivery/webhook":  {"metering", "metering/delivery", "metering/tariff"},
	"ari":                        {"metering", "metering/evidence"},
	"ari/aritest":                {"ari", "metering"},
	"ari/cel":                    {"ari", "metering"},
	"ari/cluster":                {"ari", "metering"},
	"ari/frontdesk":              {"ari", "metering", "metering/policy"},
	"ari/native":                 {"ari", "metering"},
	"ari/talkpath":               {"ari", "metering"},
	"internal/audit": {
		"metering", "internal/fileowner", "internal/mediation", "internal/printable", "internal/timeline",
	},
	"internal/check": {
		"ari", "metering", "internal/config", "internal/gateway", "internal/ledgers", "internal/lookups",
		"internal/mediation",
	},
	"internal/config": {"ari", "metering", "internal/heads", "internal/mediation"},
	"internal/console": {
		"metering", "internal/live", "internal/mediation", "internal/report", "internal/timeline",
	},
	"internal/delivery":         {"metering", "internal/config"},
	"internal/gateway":          {"ari", "metering", "internal"},
	"internal/heads":            {"metering/ledger/merkle"},
	"internal/ledgers":          {"internal/config", "metering/ledger"},
	"internal/live":             {"metering", "internal/printable"},
	"internal/logs":             {},
	"internal/lookups":          {"ari", "metering", "internal/config", "internal/ledgers", "internal/mediation"},
	"internal/mediation":        {"ari", "metering"},
	"internal/reconcile":        {"ari", "metering", "internal/mediation"},
	"internal/records":          {"metering"},
	"internal/report":           {"metering", "internal/records"},
	"internal/remeasure":        {"metering"},
	"internal/rerating":         {"metering", "internal/mediation"},
	"internal/retention":        {"metering", "internal/rerating"},
	"internal/setup":            {"internal/config"},
	"internal/tap":              {"ari"},
	"internal/sqlitefile":       {"internal/fileowner"},
	"internal/fileowner":        {},
	"internal/pageaudit":        {},
	"internal/postgresdsn":      {},
	"internal/printable":        {},
	"internal/proxy":            {"ari"},
	"internal/backup":           {"metering", "internal/fileowner", "internal/sqlitefile"},
	"internal/timeline":         {"metering", "internal/mediation"},
	"cmd/gateway":               {"metering", "internal"},
	"integration":               {},
	"integration/clusterfaults": {"ari", "integration/faultfs", "integration/lab"},
	"integration/demo":          {"integration/lab"},
	"integration/democluster":   {"integration/judge", "integration/lab"},
	"integration/exemptserver":  {},
	"integration/faultfs":       {},
	"integration/faults":        {"ari", "integration/faultfs", "integration/lab"},
	"integration/judge":         {},
	"integration/lab":           {},
	"integration/load":          {"integration/judge", "integration/lab"},
	"integration/packaged":      {"integration/lab"},
	"integration/played":        {"integration/lab"},
}

// testsMayImport lists what the tests of a package may import besides.
var testsMayImport = map[string][]string{
	"ari/native":                {"ari/aritest"},
	"internal/console":          {"ari", "internal/pageaudit"},
	"internal/gateway":          {"ari/aritest", "internal/pageaudit"},
	"internal/proxy":            {"ari/aritest", "integration/lab", "metering"},
	"internal/mediation":        {"ari/aritest"},
	"cmd/gateway":               {"ari", "integration/lab"},
	"metering/ledger/sqlite":    {"metering/ledger/ledgertest"},
	"metering/ledger/postgres":  {"integration/lab", "metering/ledger/ledgertest"},
	"metering/policy":           {"metering/numbering"},
	"metering":                  {"metering/recordtest"},
	"internal/delivery":         {"integration/lab"},
	"internal/tap":              {"ari/aritest", "integration/faultfs", "integration/lab", "metering"},
	"metering/delivery/file":    {"metering", "metering/ledger"},
	"metering/delivery/webhook": {"metering/ledger"},
	"internal/report":           {"internal/pageaudit", "internal/retention"},
	"internal/rerating":         {"ari", "metering/ledger/sqlite"},
	"integration": {
		"ari", "ari/aritest", "ari/cluster", "ari/native", "integration/faultfs", "integration/judge",
		"integration/lab", "metering",
	},
}

// exact are the packages whose permissions do not extend to the folders below the ones named.
var exact = map[string]bool{"metering": true, "ari/talkpath": true, "ari": true, "ari/native": true,
	"ari/cluster": true,
}

type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
	GoFiles    []string

	TestImports, XTestImports []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	const fields = "-json=ImportPath,Dir,Imports,GoFiles,TestImports,XTestImports"
	out, err := exec.Command("go", "list", "-tags", "live", fields, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
	if len(all) < len(mayImport)-6 {
		t.Fatalf("%d packages were found, %d are known", len(all), len(mayImport))
	}
	return all
}

func TestImportsGoOneWay(t *testing.T) {
	for _, p := range packages(t) {
		path := strings.TrimPrefix(p.ImportPath, module+"/")
		allowed, known := mayImport[path]
		if !known {
			t.Errorf("package %s is not listed here: say what it may import", path)
			continue
		}
		for _, imp := range p.Imports {
			if ours, ok := strings.CutPrefix(imp, module+"/"); ok && !may(path, ours, allowed) {
				t.Errorf("%s imports %s, which it may not", path, ours)
			}
		}
		inTests := append(append([]string{p.ImportPath}, allowed...), testsMayImport[path]...)
		for _, imp := range append(p.TestImports, p.XTestImports...) {
			ours, ok := strings.CutPrefix(imp, module+"/")
			if ok && ours != path && !may(path, ours, inTests) {
				t.Errorf("the tests of %s import %s, which it may not", path, ours)
			}
		}
	}
}

func may(path, imp string, allowed []string) bool {
	for _, a := range allowed {
		if imp == a || !exact[path] && strings.HasPrefix(imp, a+"/") {
			return true
		}
	}
	return false
}

func TestEachPackageHasOneComment(t *testing.T) {
	for _, p := range packages(t) {
		comments := 0
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil,
				parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			if f.Doc != nil {
				comments++
			}
		}
		if comments != 1 {
			t.Errorf("%s has %d package comments, want one", p.ImportPath, comments)
		}
	}
}

// Every event name of the code stands in docs/logs.md, and every one of the document in the code.
func TestLogEventsAreDocumented(t *testing.T) {
	code := ""
	for _, path := range []string{
		"internal/gateway/log.go", "internal/logs/logs.go", "internal/proxy/log.go", "internal/tap/log.go",
		"metering/fact.go",
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		code += string(text)
	}
	doc, err := os.ReadFile("docs/logs.md")
	if err != nil {
		t.Fatal(err)
	}
	inCode := names(regexp.MustCompile(`"((?:gateway|config|calls?|caller|announcement|checkpoint|queue|`+
		`talk|gap|number|survey|exemption|pbx|proxy|frame|ledger|record|rerating|delivery|log|tap|meter|`+
		`nats|node)\.[a-z_]+)"`), code)
	inDoc := names(regexp.MustCompile("(?m)^\\| `([a-z]+\\.[a-z_]+)`"), string(doc))
	for name := range inCode {
		if !inDoc[name] {
			t.Errorf("%s is logged and not documented", name)
		}
	}
	for name := range inDoc {
		if !inCode[name] {
			t.Errorf("%s is documented and never logged", name)
		}
	}
	if len(inCode) < 15 {
		t.Errorf("only %d names were found in the code", len(inCode))
	}
}

// Every reason of the code stands in docs/record.md.
func TestEachReasonIsDocumented(t *testing.T) {
	code, err := os.ReadFile("metering/reason.go")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("docs/record.md")
	if err != nil {
		t.Fatal(err)
	}
	reasons := names(regexp.MustCompile(`Reason = "([a-z_]+)"`), string(code))
	if len(reasons) < 8 {
		t.Errorf("only %d reasons were found", len(reasons))
	}
	for reason := range reasons {
		if !strings.Contains(string(doc), "`"+reason+"`") {
			t.Errorf("%s is not explained in docs/record.md", reason)
		}
	}
}

func names(re *regexp.Regexp, text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		found[m[1]] = true
	}
	return found
}

// No test skips, and nothing is left for later.
func TestNothingIsLeftForLater(t *testing.T) {
	bad := regexp.MustCompile(`t\.Skip|TO` + `DO|FIX` + `ME|XX` + `X:`)
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && bad.Match(text) {
			t.Errorf("%s: %s", path, bad.Find(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What is built stays out of the tree. Pictures of pages are the only files that are no text.
func TestFilesAreText(t *testing.T) {
	list, err := exec.Command("git", "ls-files", "-z").Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		text, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) { // deleted, and not yet committed
			t.Error(err)
		}
		if filepath.Ext(path) != ".png" && strings.Contains(string(text), "\x00") {
			t.Errorf("%s is not text", path)
		}
	}
}

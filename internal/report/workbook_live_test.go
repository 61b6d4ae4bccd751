//go:build live

package report

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// readWorkbook prints the type and the value of each cell, as openpyxl reads them.
const readWorkbook = `
import json, sys, openpyxl
sheet = openpyxl.load_workbook(sys.argv[1])["report"]
print(json.dumps([[[c.data_type, c.value] for c in row] for row in sheet.iter_rows()]))
`

// Another reader than the one that wrote it finds numbers, text and no formulas in the workbook, also
// where names are what a spreadsheet computes.
func TestLiveWorkbookOpensElsewhere(t *testing.T) {
	rows := sample()
	for i, name := range []string{"=1+1", "@SUM(A1)", "+39", "-1", "=cmd|' /C calc'!A0"} {
		rows[i].Service = name
	}
	rows[3].Queue, rows[4].Operator = "=HYPERLINK(\"http://x\")", "=A1"
	r := built(t, rows, "")
	r.Head = headText
	path := filepath.Join(t.TempDir(), "report.xlsx")
	if err := os.WriteFile(path, workbook(t, r), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("/usr/bin/python3", "-c", readWorkbook, path).Output()
	if err != nil {
		t.Fatalf("reading the workbook with python3-openpyxl, which scripts/setup installs: %v", err)
	}
	var have [][][2]any
	if err := json.Unmarshal(text, &have); err != nil {
		t.Fatal(err)
	}
	want := r.rows()
	if len(have) != len(want) {
		t.Fatalf("%d rows, want %d", len(have), len(want))
	}
	numbers := 0
	for i, row := range want {
		for j, cell := range row {
			kind, value := have[i][j][0], have[i][j][1]
			number := i > 0 && numeric[want[0][j]]
			x, isNumber := value.(float64)
			wanted, err := strconv.ParseFloat(cell, 64)
			switch {
			case cell == "" && value == nil:
			case number && err == nil && isNumber && kind == "n" && x == wanted:
				numbers++
			case !number && kind == "s" && value == cell:
			default:
				t.Errorf("row %d, %s: %v %v, want %q", i+1, want[0][j], kind, value, cell)
			}
		}
	}
	if numbers < 100 {
		t.Errorf("%d numbers", numbers)
	}
}

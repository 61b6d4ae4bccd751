package list_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/risposta/gateway/metering/exemption/list"
)

var columns = []string{"number", "from", "note"}

// read returns the rows of a list as text, and its error.
func read(text string) (rows []string, s list.Summary, err error) {
	s, err = list.Read(strings.NewReader(text), columns, func(r list.Row) error {
		rows = append(rows, fmt.Sprintf("%d:%s", r.Line, strings.Join(r.Cells, "|")))
		return nil
	})
	return rows, s, err
}

// inUTF16 is a text as spreadsheets save "Unicode text".
func inUTF16(text string, order binary.AppendByteOrder) string {
	b := order.AppendUint16(nil, 0xfeff)
	for _, unit := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

func TestFormsOfAList(t *testing.T) {
	const plain = "number,from,note\n+391,2026-01-01,invalidità\n+392,,\n"
	semicolons := strings.ReplaceAll(plain, ",", ";")
	tabs := strings.ReplaceAll(plain, ",", "\t")
	for name, text := range map[string]string{
		"commas":             plain,
		"semicolons":         semicolons,
		"tabs":               tabs,
		"byte order mark":    "\ufeff" + plain,
		"mark and quotes":    "\ufeff\"number\",\"from\",\"note\"\n" + plain[strings.Index(plain, "\n")+1:],
		"CRLF":               strings.ReplaceAll(plain, "\n", "\r\n"),
		"UTF-16, little end": inUTF16(tabs, binary.LittleEndian),
		"UTF-16, big end":    inUTF16(semicolons, binary.BigEndian),
		"no last line end":   strings.TrimSuffix(plain, "\n"),
		"capitals, spaces":   strings.Replace(plain, "number,from", "Number , FROM", 1),
		"empty columns": "number;from;note;;\n+391;2026-01-01;invalidità;;\n" +
			"+392;;;;\n",
		"empty rows": semicolons + ";;;;\n;;\n  ; ;\n\n",
	} {
		rows, s, err := read(text)
		want := []string{"2:+391|2026-01-01|invalidità", "3:+392||"}
		if err != nil || !slices.Equal(rows, want) || s.Rows != 2 || s.Total {
			t.Errorf("%s: %q, %+v, %v", name, rows, s, err)
		}
	}
}

func TestCauseOfARefusal(t *testing.T) {
	const good = "number,from,note\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":             {"", "line 1: the columns must be exactly number,from,note"},
		"no head":           {"+391,,x\n", "line 1: the columns must be exactly"},
		"another column":    {"number,from,note,why\n", "line 1: the columns must be exactly"},
		"Latin-1":           {good + "+391,,invalidit\xe0\n", "line 2: note: not UTF-8"},
		"UTF-16, no mark":   {inUTF16(good, binary.LittleEndian)[2:], "UTF-16 without a byte order"},
		"UTF-16, cut short": {inUTF16(good+"+391,,", binary.LittleEndian)[:41], "unexpected EOF"},
		"CR alone":          {"number,from,note\r+391,,x\r", "end with CR alone"},
		"a workbook":        {"PK\x03\x04xl", "workbook"},
		"a column short":    {good + "+391,x\n", "line 2: 2 fields, want 3"},
		"a column more":     {good + "+391,,x,y\n", "line 2: 4 fields, want 3"},
		"an open quote":     {good + "\"+391,,x\n", "line "},
		"a wrong total":     {good + "+391,,\ntotal,2,\n", "line 3: the list has 1 rows, and its total"},
		"a row after it":    {good + "total,0,\n+391,,\n", "line 3: a row after the total"},
		"no number of rows": {good + "total,x391,\n", "line 2: the total is not a number"},
	} {
		_, _, err := read(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "391") ||
			strings.Contains(err.Error(), "invalid")) {
			t.Errorf("%s: the error quotes a cell: %v", name, err)
		}
	}
}

func TestTotalEndsAList(t *testing.T) {
	if _, s, err := read("number,from,note\n+391,,\n\ntotal,1,\n,,\n"); err != nil || !s.Total {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestDaysOfAZone(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	from, until, err := list.Days("2026-03-28", "2026-03-29", rome)
	if err != nil || from.UTC().Format(time.DateTime) != "2026-03-27 23:00:00" ||
		until.UTC().Format(time.DateTime) != "2026-03-29 22:00:00" {
		t.Errorf("%s to %s, %v", from.UTC(), until.UTC(), err)
	}
	for want, c := range map[string][2]string{
		"from: not a day": {"28/03/2026", ""}, "until: not a day": {"", "+39061"},
		"until: before from": {"2026-02-01", "2026-01-31"},
	} {
		_, _, err := list.Days(c[0], c[1], rome)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "3906") {
			t.Errorf("%v: %v, want %q", c, err, want)
		}
	}
}

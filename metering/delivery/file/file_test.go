package file_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/delivery/file"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// sample are calls on two days, in three currencies, one with a name that a spreadsheet would take for
// a formula.
func sample(t *testing.T) (events []delivery.Event) {
	t.Helper()
	for i, c := range []struct {
		minor    int64
		digits   int
		currency string
		service  string
	}{{14, 2, "EUR", `help; "fast"`}, {33, 0, "JPY", "=1+1"}, {127, 3, "KWD", "aiuto è"}} {
		at := metering.Time{Time: time.Date(2026, 11, 23+i/2, 9, 46, 14, 945e6, time.UTC)}
		r := metering.Record{
			Record: fmt.Sprintf("r-n%d-1", i), Version: 1, Service: c.service, ArrivedAt: at, EndedAt: at,
			Charge:  tariff.Amount{Minor: c.minor, Digits: c.digits, Currency: c.currency},
			Reasons: []metering.Reason{"talk"}, Exempt: i == 1,
		}
		e, err := delivery.NewEvent(ledger.Change{Position: int64(10 + i), JSON: r.JSON()})
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

var fieldNames = []string{"service", "arrived_at", "currency", "gross", "net", "exempt", "talk_ms", "talk"}

func opened(t *testing.T, c file.Config) *file.Folder {
	t.Helper()
	var err error
	if c.Fields, err = delivery.Select(fieldNames); err != nil {
		t.Fatal(err)
	}
	f, err := file.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func deliver(t *testing.T, f *file.Folder, events []delivery.Event) {
	t.Helper()
	b := delivery.Batch{From: 10, Until: 14, Events: events}
	if done, refused, err := f.Deliver(t.Context(), b); err != nil || done != len(events) || refused != nil {
		t.Fatalf("%d, %v, %v", done, refused, err)
	}
}

// reader is Python's own reader of CSV and JSON.
const reader = `
import csv, json, sys
if sys.argv[1] == "csv":
    rows = list(csv.DictReader(open(sys.argv[2], newline="", encoding="utf-8"), delimiter=sys.argv[3]))
else:
    rows = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
for r in rows:
    print(r["record"], r["service"], r["arrived_at"], r["gross"], r["currency"], r["exempt"], sep="|")
`

// What Python reads is what was delivered.
func TestPythonReadsTheFiles(t *testing.T) {
	for _, c := range []struct {
		format           file.Format
		separator, sign  string
		formula, yes, no string
		gross            []string
	}{
		{file.CSV, "", "", "'=1+1", "true", "false", []string{"0.14", "33", "0.127"}},
		{file.CSV, ";", ",", "'=1+1", "true", "false", []string{"0,14", "33", "0,127"}},
		{file.CSV, "\t", ".", "'=1+1", "true", "false", []string{"0.14", "33", "0.127"}},
		{file.JSON, "", "", "=1+1", "True", "False", []string{"0.14", "33", "0.127"}},
	} {
		f := opened(t, file.Config{
			Folder: t.TempDir(), Format: c.format, Separator: c.separator, DecimalSign: c.sign,
		})
		deliver(t, f, sample(t))
		name := filepath.Join(f.Folder, "risposta-000000000010-000000000014."+string(c.format))
		out, err := exec.Command("python3", "-c", reader, string(c.format), name, f.Separator).
			CombinedOutput()
		want := fmt.Sprintf("r-n0-1|help; \"fast\"|2026-11-23T09:46:14.945Z|%s|EUR|%s\n"+
			"r-n1-1|%s|2026-11-23T09:46:14.945Z|%s|JPY|%s\n"+
			"r-n2-1|aiuto è|2026-11-24T09:46:14.945Z|%s|KWD|%s\n",
			c.gross[0], c.no, c.formula, c.gross[1], c.yes, c.gross[2], c.no)
		if err != nil || string(out) != want {
			t.Errorf("%s %q: %v\n%s\nwant\n%s", c.format, c.separator, err, out, want)
		}
	}
}

// Parquet has a folder for each day, instants as milliseconds UTC, decimals, zstd. The reader is the
// generic one, by a type of the test's own.
func TestParquetIsReadByItsSchema(t *testing.T) {
	f := opened(t, file.Config{Folder: t.TempDir(), Format: file.Parquet})
	deliver(t, f, sample(t))
	type row struct {
		Record    string    `parquet:"record"`
		ArrivedAt time.Time `parquet:"arrived_at,timestamp(millisecond)"`
		Gross     int64     `parquet:"gross,optional,decimal(3:18)"`
		Net       *int64    `parquet:"net,optional,decimal(3:18)"`
		Exempt    *bool     `parquet:"exempt,optional"`
	}
	var got []string
	for _, day := range []string{"2026-11-23", "2026-11-24"} {
		name := filepath.Join(f.Folder, "day="+day, "risposta-000000000010-000000000014.parquet")
		rows, err := parquet.ReadFile[row](name)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			got = append(got, fmt.Sprintf("%s %s %s %d %t %t", day, r.Record,
				r.ArrivedAt.UTC().Format(time.RFC3339Nano), r.Gross, r.Net == nil, *r.Exempt))
		}
		checkSchema(t, name)
	}
	want := []string{
		"2026-11-23 r-n0-1 2026-11-23T09:46:14.945Z 140 true false",
		"2026-11-23 r-n1-1 2026-11-23T09:46:14.945Z 33000 true true",
		"2026-11-24 r-n2-1 2026-11-24T09:46:14.945Z 127 true false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func checkSchema(t *testing.T, name string) {
	t.Helper()
	in, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}()
	info, err := in.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(in, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	text := f.Schema().String()
	for _, want := range []string{
		"optional int64 arrived_at (TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS))",
		"optional int64 gross (DECIMAL(18,3))", "optional binary service (STRING)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the schema:\n%s", want, text)
		}
	}
	for _, group := range f.Metadata().RowGroups {
		for _, c := range group.Columns {
			if codec := c.MetaData.Codec.String(); codec != "ZSTD" {
				t.Errorf("%v is compressed with %s", c.MetaData.PathInSchema, codec)
			}
		}
	}
}

// The same batch again gives the same file; the hash beside it is that of sha256sum; nothing temporary
// is left; and what is held is what was delivered.
func TestFilesAreWholeAndRepeatable(t *testing.T) {
	for _, format := range []file.Format{file.CSV, file.JSON, file.Parquet} {
		f := opened(t, file.Config{Folder: t.TempDir(), Format: format})
		events := sample(t)
		deliver(t, f, events)
		first := contents(t, f.Folder)
		deliver(t, f, events)
		if again := contents(t, f.Folder); !slices.Equal(first, again) {
			t.Errorf("%s: the same batch again:\n%v\n%v", format, first, again)
		}
		for _, line := range first {
			if strings.Contains(line, ".tmp") {
				t.Errorf("%s: %s is left", format, line)
			}
		}
		checkHeld(t, f, events)
	}
}

func checkHeld(t *testing.T, f *file.Folder, events []delivery.Event) {
	t.Helper()
	want := map[string]string{}
	for i := range events {
		want[events[i].ID] = f.Fields.DigestOf(&events[i])
	}
	err := f.Held(t.Context(), func(id, digest string) error {
		if want[id] != digest {
			t.Errorf("%s: %s has the digest %s, want %s", f.Format, id, digest, want[id])
		}
		delete(want, id)
		return nil
	})
	if err != nil || len(want) > 0 {
		t.Errorf("%s: %v; not held: %v", f.Format, err, want)
	}
}

// contents are the files of a folder, with their hashes, after the ones beside them were checked.
func contents(t *testing.T, folder string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		all = append(all, path+" "+hex.EncodeToString(sum[:]))
		if strings.HasSuffix(path, ".sha256") {
			check := exec.Command("sha256sum", "-c", filepath.Base(path))
			check.Dir = filepath.Dir(path)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("sha256sum: %s", out)
			}
		}
		return nil
	})
	if err != nil || len(all) < 2 {
		t.Fatalf("%v, %v", all, err)
	}
	return all
}

// A file that was changed, or that lost its hash, is no file of ours.
func TestChangedFileIsFound(t *testing.T) {
	f := opened(t, file.Config{Folder: t.TempDir(), Format: file.CSV})
	deliver(t, f, sample(t))
	name := filepath.Join(f.Folder, "risposta-000000000010-000000000014.csv")
	if err := os.WriteFile(name, []byte("event\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := f.Held(t.Context(), func(string, string) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("got %v", err)
	}
}

// A folder that is away, or full, is an error that passes: nothing is refused.
func TestFolderThatIsAway(t *testing.T) {
	f := opened(t, file.Config{Folder: filepath.Join(t.TempDir(), "away"), Format: file.JSON})
	b := delivery.Batch{From: 10, Until: 14, Events: sample(t)}
	if done, refused, err := f.Deliver(t.Context(), b); err == nil || done != 0 || refused != nil {
		t.Errorf("%d, %v, %v", done, refused, err)
	}
}

func TestOpenRefusesWhatCannotBeWritten(t *testing.T) {
	for want, c := range map[string]file.Config{
		"format: ":       {Format: "xml"},
		"separator: ":    {Format: file.CSV, Separator: ";;"},
		"decimal_sign: ": {Format: file.CSV, DecimalSign: "'"},
		`separator: ","`: {Format: file.CSV, Separator: ",", DecimalSign: ","},
	} {
		if _, err := file.Open(c); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
	}
}

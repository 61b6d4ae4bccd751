// Package file delivers events as files into a folder: CSV, JSON lines or Parquet.
//
// In: batches. Out: for each batch one file, in Parquet one for each day on which its calls arrived,
// named after the batch's positions in the ledger log: risposta-000000004711-000000004900.csv has the
// changes from 4711 on and before 4900, and the next file begins at 4900. Positions never begin
// anew. Beside each file is its SHA-256, in the form of sha256sum. A file appears under its name when
// it is whole and on disk, and is never changed; the same batch again gives the same file. The package
// removes no file.
package file

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/risposta/gateway/metering/delivery"
)

// Format is the form of the files.
type Format string

// The formats.
const (
	CSV     Format = "csv"
	JSON    Format = "jsonl"
	Parquet Format = "parquet"
)

// Config is where the files go, and what they are like.
type Config struct {
	Folder      string
	Below       string // a folder in it that is made with the first file, as of a node; "": none
	Format      Format
	Separator   string // of CSV: one character; "": a comma
	DecimalSign string // of CSV; "": a dot
	Fields      delivery.Fields
}

// Folder is a sink.
type Folder struct {
	Config
	encode func(io.Writer, delivery.Fields, []delivery.Event) error
}

var (
	_ delivery.Sink   = (*Folder)(nil)
	_ delivery.Holder = (*Folder)(nil)
)

// The bounds of a cell's two signs.
const decimalSigns = ".,"

// Open checks the folder, which must exist.
func Open(c Config) (*Folder, error) {
	f := &Folder{Config: c}
	f.Separator, f.DecimalSign = cmp.Or(c.Separator, ","), cmp.Or(c.DecimalSign, ".")
	switch c.Format {
	case CSV:
		f.encode = f.writeCSV
	case JSON:
		f.encode = writeJSON
	case Parquet:
		f.encode = writeParquet
	default:
		return nil, fmt.Errorf("format: %q is not csv, jsonl or parquet", c.Format)
	}
	if len([]rune(f.Separator)) != 1 || strings.ContainsAny(f.Separator, "\"\r\n") {
		return nil, fmt.Errorf("separator: %q is not one character such as ;", f.Separator)
	}
	if len(f.DecimalSign) != 1 || !strings.Contains(decimalSigns, f.DecimalSign) {
		return nil, fmt.Errorf("decimal_sign: %q is neither a dot nor a comma", f.DecimalSign)
	}
	if f.Format == CSV && f.Separator == f.DecimalSign {
		return nil, fmt.Errorf("separator: %q is the decimal sign, too", f.Separator)
	}
	return f, nil
}

// Close implements delivery.Sink.
func (f *Folder) Close() {}

// Deliver implements delivery.Sink. It refuses nothing.
func (f *Folder) Deliver(
	_ context.Context, b delivery.Batch,
) (done int, _ []delivery.Refusal, err error) {
	name := fmt.Sprintf("risposta-%012d-%012d.%s", b.From, b.Until, f.Format)
	for _, part := range f.parts(b.Events) {
		var text bytes.Buffer
		if err := f.encode(&text, f.Fields, part.events); err != nil {
			return 0, nil, fmt.Errorf("writing the file %s: %w", name, err)
		}
		if err := f.publish(part.folder, name, text.Bytes()); err != nil {
			return 0, nil, fmt.Errorf("writing the file %s: %w", name, err)
		}
	}
	return len(b.Events), nil, nil
}

type part struct {
	folder string
	events []delivery.Event
}

// parts are the files of a batch: of Parquet one for each day of arrival.
func (f *Folder) parts(events []delivery.Event) []part {
	if f.Format != Parquet {
		return []part{{events: events}}
	}
	days := map[string][]delivery.Event{}
	for _, e := range events {
		day := "day=" + e.Record.ArrivedAt.UTC().Format("2006-01-02")
		days[day] = append(days[day], e)
	}
	var parts []part
	for day, events := range days {
		parts = append(parts, part{day, events})
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.folder, b.folder) })
	return parts
}

// publish makes a file appear, with its hash. The hash comes first: who sees the file finds it.
func (f *Folder) publish(part, name string, text []byte) error {
	folder := f.Folder
	for _, below := range []string{f.Below, part} {
		if below == "" {
			continue
		}
		folder = filepath.Join(folder, below)
		if err := makeFolder(folder); err != nil {
			return err
		}
	}
	had, err := os.ReadFile(filepath.Join(folder, name))
	if err == nil && bytes.Equal(had, text) {
		return nil // the last try has made it
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	sum := sha256.Sum256(text)
	line := hex.EncodeToString(sum[:]) + "  " + name + "\n"
	if err := replace(folder, name+".sha256", []byte(line)); err != nil {
		return err
	}
	if err := replace(folder, name, text); err != nil {
		return err
	}
	return syncFolder(folder)
}

// makeFolder makes the folder of a node or a day, durably.
func makeFolder(folder string) error {
	err := os.Mkdir(folder, 0o750)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(folder))
}

// replace writes a file under another name, which readers of the folder are to leave alone, and
// renames it once it is on disk.
func replace(folder, name string, text []byte) (err error) {
	temporary := filepath.Join(folder, "."+name+".tmp")
	// The group reads it: who bills is another user.
	out, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640) //nolint:gosec // see above
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, filepath.Join(folder, name))
}

// syncFolder makes the names of a folder durable.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

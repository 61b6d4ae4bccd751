package file

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/risposta/gateway/metering/delivery"
)

// Replaces implements delivery.Holder.
func (f *Folder) Replaces() bool { return false }

// Held implements delivery.Holder: it reads the files that are in the folder. A file that is not what
// its hash says is an error.
func (f *Folder) Held(ctx context.Context, found func(id, digest string) error) error {
	pattern := "risposta-*." + string(f.Format)
	if f.Format == Parquet {
		pattern = filepath.Join("day=*", pattern)
	}
	names, err := filepath.Glob(filepath.Join(f.Folder, f.Below, pattern))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.heldIn(name, found); err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return nil
}

func (f *Folder) heldIn(name string, found func(id, digest string) error) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	line, err := os.ReadFile(name + ".sha256")
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	if want, _, _ := strings.Cut(string(line), " "); want != hex.EncodeToString(sum[:]) {
		return errors.New("its SHA-256 is not the one beside it")
	}
	row := func(texts []string) error {
		return found(f.Fields.ID(texts), f.Fields.Digest(texts))
	}
	switch f.Format {
	case CSV:
		return f.readCSV(text, row)
	case JSON:
		return f.readJSON(text, row)
	case Parquet:
		return f.readParquet(text, row)
	}
	return nil
}

func (f *Folder) readCSV(text []byte, row func([]string) error) error {
	in := csv.NewReader(bytes.NewReader(text))
	in.Comma = []rune(f.Separator)[0]
	rows, err := in.ReadAll()
	if err != nil {
		return err
	}
	if len(rows) == 0 || !f.same(rows[0]) {
		return errOtherFields
	}
	for _, cells := range rows[1:] {
		for i, c := range cells {
			cells[i] = f.text(f.Fields[i].Type, c)
		}
		if err := row(cells); err != nil {
			return err
		}
	}
	return nil
}

// errOtherFields is about a file from before the fields were changed.
var errOtherFields = errors.New("it has other fields than the configuration names now: move it away")

// same reports whether the columns of a file are the fields.
func (f *Folder) same(head []string) bool {
	if len(head) != len(f.Fields) {
		return false
	}
	for i, field := range f.Fields {
		if head[i] != field.Name {
			return false
		}
	}
	return true
}

func (f *Folder) readJSON(text []byte, row func([]string) error) error {
	for line := range bytes.Lines(text) {
		texts, err := f.Fields.Texts(line)
		if err != nil {
			return err
		}
		if err := row(texts); err != nil {
			return err
		}
	}
	return nil
}

func (f *Folder) readParquet(text []byte, row func([]string) error) error {
	in := parquet.NewReader(bytes.NewReader(text))
	columns := map[string]int{}
	for i, path := range in.Schema().Columns() {
		columns[path[0]] = i
	}
	if len(columns) != len(f.Fields) {
		return errors.Join(errOtherFields, in.Close())
	}
	rows := make([]parquet.Row, 1)
	texts := make([]string, len(f.Fields))
	for {
		n, err := in.ReadRows(rows)
		if n == 0 {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return errors.Join(err, in.Close())
		}
		for i, field := range f.Fields {
			column, ok := columns[field.Name]
			if !ok {
				return errors.Join(errOtherFields, in.Close())
			}
			texts[i] = parquetText(field.Type, rows[0][column])
		}
		if err := row(texts); err != nil {
			return errors.Join(err, in.Close())
		}
	}
}

func parquetText(t delivery.Type, v parquet.Value) string {
	if v.IsNull() {
		return ""
	}
	switch t {
	case delivery.Number:
		return strconv.FormatInt(v.Int64(), 10)
	case delivery.Flag:
		return strconv.FormatBool(v.Boolean())
	case delivery.Instant:
		return delivery.Write(time.UnixMilli(v.Int64()))
	case delivery.Money:
		thousand := int64(1000) // moneyScale decimals
		return big.NewRat(v.Int64(), thousand).FloatString(moneyScale)
	case delivery.Text, delivery.JSON:
	}
	return string(v.ByteArray())
}

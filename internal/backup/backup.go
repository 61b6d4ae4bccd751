// Package backup copies what a gateway keeps into a folder, and puts it back.
//
// In: the paths of a ledger, its public keys and an exemption register. Out: a folder of mode 0700
// with consistent copies of them and a [Manifest], or the files in their places again. It never holds
// a secret key: the manifest names those that the copies need. It never replaces a file.
package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/risposta/gateway/internal/fileowner"
	"github.com/risposta/gateway/internal/sqlitefile"
	"github.com/risposta/gateway/metering/ledger"
)

// The files of the folder.
const (
	ledgerFile   = "ledger.db"
	registerFile = "exempt.db"
	logKeysFile  = "ledger.key.pub"
	manifestFile = "backup.json"
)

// Places are where a gateway keeps its files. "" is none.
type Places struct {
	Ledger   string // its file; "" where it is in PostgreSQL
	LogKeys  string // the public keys of the ledger log
	Register string
}

// Manifest says what a backup is of, and what it needs.
type Manifest struct {
	At time.Time `json:"at"`
	// CallerKeys are the ids of the keys in callers.key_file, the current one first.
	CallerKeys []string `json:"caller_keys"`
	// Register: there was an exemption register.
	Register bool `json:"register"`
}

// Make copies a ledger, also beside a running gateway, with its public keys and the register, into a
// new folder. Where it fails it leaves no folder.
func Make(
	ctx context.Context, l ledger.Backup, p Places, m Manifest, into string,
) (err error) {
	if err := os.Mkdir(into, 0o700); err != nil {
		return fmt.Errorf("making the folder of the backup: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(into))
		}
	}()
	if err := l.Backup(ctx, filepath.Join(into, ledgerFile)); err != nil {
		return err
	}
	// After the ledger: a register that is older than the ledger knows would be refused.
	if m.Register = exists(p.Register); m.Register {
		if err := copyRegister(ctx, p.Register, filepath.Join(into, registerFile)); err != nil {
			return err
		}
	}
	if exists(p.LogKeys) {
		if err := copyFile(p.LogKeys, filepath.Join(into, logKeysFile)); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return write(filepath.Join(into, manifestFile), bytes.NewReader(append(text, '\n')))
}

func copyRegister(ctx context.Context, from, into string) error {
	db, err := sqlitefile.Connect(from, sqlitefile.ReadOnly, 1)
	if err != nil {
		return err
	}
	if err := errors.Join(sqlitefile.CopyInto(ctx, db, into), db.Close()); err != nil {
		return fmt.Errorf("backing up the exemption register: %w", err)
	}
	return nil
}

// step puts one file in place.
type step struct {
	file, place string
	needed      bool
}

// LedgerOf is the ledger's file in the folder of a backup.
func LedgerOf(folder string) string { return filepath.Join(folder, ledgerFile) }

// ErrKeyMissing says that a backup needs a key that is not there.
var ErrKeyMissing = errors.New("the backup needs keys that callers.key_file does not have")

// Restore puts a backup in the places, which must be free. keys are the ids of the keys that are
// there. The ledger comes last: without it no gateway takes the others for its own. One that is in PostgreSQL is
// left to the caller.
func Restore(from string, p Places, keys []string) (m Manifest, err error) {
	text, err := os.ReadFile(filepath.Join(from, manifestFile))
	if err != nil {
		return m, fmt.Errorf("reading the backup: %w", err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("reading %s of the backup: %w", manifestFile, err)
	}
	for _, id := range m.CallerKeys {
		if !slices.Contains(keys, id) {
			return m, fmt.Errorf("%w: %s", ErrKeyMissing, id)
		}
	}
	if m.Register && p.Register == "" {
		return m, errors.New("the backup has an exemption register, and exemption.registry names none")
	}
	steps := []step{
		{registerFile, p.Register, m.Register}, {logKeysFile, p.LogKeys, false},
	}
	if p.Ledger != "" {
		steps = append(steps, step{ledgerFile, p.Ledger, true})
	}
	for _, s := range steps {
		if s.place != "" && exists(s.place) {
			return m, fmt.Errorf("%s is there already: move it away, with what stands beside it", s.place)
		}
	}
	for _, s := range steps {
		err := copyFile(filepath.Join(from, s.file), s.place)
		if err != nil && (s.needed || !errors.Is(err, fs.ErrNotExist)) {
			return m, fmt.Errorf("putting the backup back: %w", err)
		}
	}
	return m, nil
}

func exists(path string) bool {
	if path == "" {
		return false
	}
	_, err := os.Stat(path)
	return err == nil
}

func copyFile(from, into string) (err error) {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return write(into, f)
}

// write makes a file, readable by its owner only, durably.
func write(path string, content io.Reader) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = fileowner.AsFolder(path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", path, err), os.Remove(path))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

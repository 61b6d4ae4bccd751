package audit

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/risposta/gateway/internal/fileowner"
)

// KeyName is the name in the signature of each head.
const KeyName = "risposta-ledger"

// publicSuffix is added to a key's file name for the public halves: one a line, the newest first.
const publicSuffix = ".pub"

// ErrKeyMissing says that the key of a log that is signed already is not there. A key made anew would
// sign a log of which no earlier head is known.
var ErrKeyMissing = errors.New("the log has signed heads, and their key is missing: put it back, or " +
	"make the next one with `risposta key rotate`")

// Signer reads the key that heads are signed with. Where the file does not exist it makes a key,
// readable by its owner only, and its public half in FILE.pub; where the log has heads already it
// returns ErrKeyMissing.
func Signer(file string, hasHeads bool) (note.Signer, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if hasHeads {
			return nil, fmt.Errorf("reading %s: %w", file, ErrKeyMissing)
		}
		text, err = makeKey(file)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the key that signs the ledger log: %w", err)
	}
	s, err := note.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("reading the key that signs the ledger log from %s: %w", file, err)
	}
	return s, nil
}

// RotateKey makes the next key. Heads of the former ones stay valid: their public halves stay in
// FILE.pub. A gateway that runs goes on with the former key until it is started again.
func RotateKey(file string) error {
	if _, err := makeKey(file); err != nil {
		return fmt.Errorf("making the next key of the ledger log: %w", err)
	}
	return nil
}

// makeKey writes the public half first: a crash in between leaves one that nothing is signed with.
func makeKey(file string) ([]byte, error) {
	private, public, err := note.GenerateKey(rand.Reader, KeyName)
	if err != nil {
		return nil, err
	}
	former, err := os.ReadFile(file + publicSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	all := public + "\n" + string(former)
	if err := replace(file+publicSuffix, all, 0o644); err != nil {
		return nil, err
	}
	return []byte(private), replace(file, private+"\n", 0o600)
}

// replace puts a file in place, whole or not at all, also where the machine crashes.
func replace(file, text string, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".new-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = fileowner.AsFolder(f.Name())
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Verifiers reads the public keys that heads are verified with: from their own file, or, where the
// file holds the private key, from FILE.pub.
func Verifiers(file string) (note.Verifiers, error) {
	text, err := os.ReadFile(file)
	if err == nil && strings.HasPrefix(string(text), "PRIVATE+KEY") {
		text, err = os.ReadFile(file + publicSuffix)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the public keys of the signed heads: %w", err)
	}
	var all []note.Verifier
	for _, line := range strings.Fields(string(text)) {
		v, err := note.NewVerifier(line)
		if err != nil {
			return nil, fmt.Errorf("reading the public keys of the signed heads from %s: %w", file, err)
		}
		all = append(all, v)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("reading the public keys of the signed heads: %s holds none", file)
	}
	return note.VerifierList(all...), nil
}

package audit

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// KeyName is the name under which heads are signed.
const KeyName = "risposta-ledger"

// publicSuffix is added to a key's file name for the half that may be given away.
const publicSuffix = ".pub"

// Signer reads the key that heads are signed with; where there is none it makes one, readable by its owner only, and its public half beside it.
func Signer(file string) (note.Signer, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = makeKey(file)
	}
	if err != nil {
		return nil, fmt.Errorf("the key that the log is sealed with: %w", err)
	}
	s, err := note.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("the key that the log is sealed with, %s: %w", file, err)
	}
	return s, nil
}

func makeKey(file string) ([]byte, error) {
	private, public, err := note.GenerateKey(rand.Reader, KeyName)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file+publicSuffix, []byte(public+"\n"), 0o644); err != nil { //nolint:gosec // it is public
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(private + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	return []byte(private), nil
}

// Verifier reads the public half: of a key's file, or the file of the public half itself.
func Verifier(file string) (note.Verifier, error) {
	text, err := os.ReadFile(file)
	if err == nil && strings.HasPrefix(string(text), "PRIVATE+KEY") {
		text, err = os.ReadFile(file + publicSuffix)
	}
	if err != nil {
		return nil, fmt.Errorf("the key that the log's heads are checked with: %w", err)
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("the key that the log's heads are checked with, %s: %w", file, err)
	}
	return v, nil
}

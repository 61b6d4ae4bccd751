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

// KeyName is the name in the signature of each head.
const KeyName = "risposta-ledger"

// publicSuffix is added to a key's file name for its public half.
const publicSuffix = ".pub"

// Signer reads the key that heads are signed with. Where the file does not exist it makes a key,
// readable by its owner only, and its public half in FILE.pub.
func Signer(file string) (note.Signer, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
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

func makeKey(file string) ([]byte, error) {
	private, public, err := note.GenerateKey(rand.Reader, KeyName)
	if err != nil {
		return nil, err
	}
	//nolint:gosec // it is public
	if err := os.WriteFile(file+publicSuffix, []byte(public+"\n"), 0o644); err != nil {
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

// Verifier reads the public key that heads are verified with: from its own file, or, where the file
// holds the private key, from FILE.pub.
func Verifier(file string) (note.Verifier, error) {
	text, err := os.ReadFile(file)
	if err == nil && strings.HasPrefix(string(text), "PRIVATE+KEY") {
		text, err = os.ReadFile(file + publicSuffix)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the public key of the signed heads: %w", err)
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("reading the public key of the signed heads from %s: %w", file, err)
	}
	return v, nil
}

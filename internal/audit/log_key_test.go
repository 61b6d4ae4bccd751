package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/risposta/gateway/metering/ledger/merkle"
)

func wantValid(t *testing.T, file string, heads []merkle.Head) {
	t.Helper()
	for _, name := range []string{file, file + ".pub"} {
		keys, err := Verifiers(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, head := range heads {
			if _, err := note.Open(head.Note, keys); err != nil {
				t.Errorf("head %d under the keys of %s: %v", i, name, err)
			}
		}
	}
}

func signed(t *testing.T, file string, hasHeads bool) merkle.Head {
	t.Helper()
	signer, err := Signer(file, hasHeads)
	if err != nil {
		t.Fatal(err)
	}
	head, err := merkle.Sign("", 0, &merkle.Memory{}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// The key is made once, its private half is its owner's alone, and either file gives the public
// half. A key that is gone while there are heads is not made anew.
func TestLogKeyIsMadeOnceAndRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if _, err := Verifiers(file); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a key that does not exist: %v", err)
	}
	if _, err := Signer(file, true); !errors.Is(err, ErrKeyMissing) {
		t.Errorf("a key that is missing: %v, want ErrKeyMissing", err)
	}
	wantValid(t, file, []merkle.Head{signed(t, file, false), signed(t, file, false), signed(t, file, true)})
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the private key has the mode %v, %v; want 0600", info.Mode(), err)
	}
	if err := os.WriteFile(file, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Signer(file, false); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file that holds no key: %v", err)
	}
	if err := os.WriteFile(file+".pub", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Verifiers(file + ".pub"); err == nil || !strings.Contains(err.Error(), "holds none") {
		t.Errorf("a file without a public key: %v", err)
	}
}

// The next key signs, the heads of all former ones stay valid, and nothing but the two files is left.
func TestLogKeyIsRotated(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "key")
	heads := []merkle.Head{signed(t, file, false)}
	for range 3 {
		if err := RotateKey(file); err != nil {
			t.Fatal(err)
		}
		heads = append(heads, signed(t, file, true))
	}
	wantValid(t, file, heads)
	if string(heads[0].Note) == string(heads[1].Note) {
		t.Error("the next key is the former one")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("%v, %v; want the key and its public half", files, err)
	}
}

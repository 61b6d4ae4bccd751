package audit_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/risposta/gateway/internal/audit"
)

// limitedKey is the variable that names the key to the process whose files have to stay empty.
const limitedKey = "LIMITED_LEDGER_KEY"

// A disk that is full while a key is made or rotated leaves nothing half made: the key that is there
// stays, and no other file. The limit on the size of a file, which needs no rights, stands for the disk.
func TestDiskIsFullWhileAKeyIsMade(t *testing.T) {
	if file := os.Getenv(limitedKey); file != "" {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{}); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(file); err == nil {
			err = audit.RotateKey(file)
			if err == nil {
				t.Fatal("the key was rotated: the test shows nothing")
			}
			return
		}
		if _, err := audit.Signer(file, false); err == nil {
			t.Fatal("a key was made: the test shows nothing")
		}
		return
	}
	file := filepath.Join(t.TempDir(), "ledger.key")
	full := func() {
		t.Helper()
		cmd := exec.Command(os.Args[0], "-test.run=^TestDiskIsFullWhileAKeyIsMade$")
		cmd.Env = append(os.Environ(), limitedKey+"="+file)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	files := func() string {
		t.Helper()
		all := ""
		names, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all += filepath.Base(name) + "\n" + string(text)
		}
		return all
	}
	full()
	if left := files(); left != "" {
		t.Errorf("left is %s", left)
	}
	if _, err := audit.Signer(file, false); err != nil {
		t.Fatal(err)
	}
	before := files()
	full()
	if now := files(); now != before || strings.Count(now, "ledger.key") != 2 {
		t.Error("a rotation that failed has changed the files of the key")
	}
}

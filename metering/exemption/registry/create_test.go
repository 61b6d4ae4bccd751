package registry_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/risposta/gateway/metering/exemption/registry"
)

// limitedFile is the variable that names the register to the process whose files may only be so long.
const limitedFile = "LIMITED_REGISTER"

// A disk that is full while a register is made leaves nothing, however far it came: the next try makes
// a whole one. The limit on the size of a file, which needs no rights, stands for the disk.
func TestDiskIsFullWhileARegisterIsMade(t *testing.T) {
	if path := os.Getenv(limitedFile); path != "" {
		createLimited(t, path)
		return
	}
	for _, limit := range []string{"0", "1024", "3072", "10240"} {
		path := newFile(t)
		cmd := exec.Command(os.Args[0], "-test.run=^TestDiskIsFullWhileARegisterIsMade$")
		cmd.Env = append(os.Environ(), limitedFile+"="+path, limitedFile+"_BYTES="+limit)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s bytes: %v: %s", limit, err, out)
		}
		if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); err != nil || len(left) != 0 {
			t.Errorf("%s bytes: %q are left, %v", limit, left, err)
		}
		r := open(t, path, presentKey)
		if err := r.Usable(ctx); err != nil {
			t.Errorf("%s bytes: the next register: %v", limit, err)
		}
	}
}

// createLimited fails the test where a register is made in spite of the limit.
func createLimited(t *testing.T, path string) {
	var bytes uint64
	for _, c := range os.Getenv(limitedFile + "_BYTES") {
		bytes = 10*bytes + uint64(c-'0')
	}
	limit := syscall.Rlimit{Cur: bytes, Max: bytes}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := registry.Create(ctx, config(t, path, presentKey), author("2026-01-01")); err == nil {
		t.Fatal("a register was made: the test shows nothing")
	}
}

// Nothing that is there is replaced, also where it comes while the register is made.
func TestRegisterReplacesNoFile(t *testing.T) {
	path := newFile(t)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := registry.Create(ctx, config(t, path, presentKey), author("2026-01-01")); err == nil {
		t.Error("a register was made in place of a file")
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 0 {
		t.Errorf("the file is another one: %v, %v", info, err)
	}
}

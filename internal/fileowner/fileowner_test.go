package fileowner_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/risposta/gateway/internal/fileowner"
)

func owner(t *testing.T, path string) int {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// What root makes in the folder of a service belongs to the service; anybody's own file stays theirs.
func TestFileBelongsToTheOwnerOfItsFolder(t *testing.T) {
	const service = 65534
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want := os.Geteuid()
	if want == 0 {
		if err := os.Chown(dir, service, service); err != nil {
			t.Fatal(err)
		}
		want = service
	}
	if err := fileowner.AsFolder(path); err != nil {
		t.Fatal(err)
	}
	if got := owner(t, path); got != want {
		t.Errorf("the file belongs to %d, want %d", got, want)
	}
	if os.Geteuid() != 0 {
		return // nobody else can give a file away
	}
	if err := os.Chown(dir, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := fileowner.AsFolder(path); err != nil || owner(t, path) != service {
		t.Errorf("in a folder of root's: %d, %v; want it as it was", owner(t, path), err)
	}
	if err := fileowner.AsFolder(filepath.Join(dir, "none")); err != nil {
		t.Errorf("in a folder of root's: %v", err)
	}
}

package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A user may read a file by the permissions of owner, group or others, the first that fits, and only
// where each folder on the way lets the user in.
func TestMayRead(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "etc")
	file := filepath.Join(folder, "secret")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	uid, gid := ownerOf(info).Uid, ownerOf(info).Gid
	owner := account{name: "owner", uid: uid}
	member := account{name: "member", uid: uid + 1001, gids: []uint32{gid + 1001, gid}}
	other := account{name: "other", uid: uid + 1001, gids: []uint32{gid + 1001}}
	for _, c := range []struct {
		who          account
		folder, file os.FileMode
		refused      string // the last element of what refuses, "" for nothing
	}{
		{member, 0o750, 0o640, ""},
		{member, 0o750, 0o600, "secret"},
		{member, 0o710, 0o040, ""},
		{member, 0o700, 0o640, "etc"},
		{member, 0o705, 0o644, "etc"},
		{other, 0o755, 0o644, ""},
		{other, 0o755, 0o640, "secret"},
		{other, 0o750, 0o644, "etc"},
		{owner, 0o700, 0o400, ""},
	} {
		// Others must be let into the folders above, whatever the machine's TMPDIR is like.
		above := account{name: c.who.name, uid: c.who.uid, gids: c.who.gids}
		if err := above.mayRead(dir); err != nil {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(folder, c.folder); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, c.file); err != nil {
			t.Fatal(err)
		}
		err := c.who.mayRead(file)
		switch {
		case c.refused == "" && err != nil:
			t.Errorf("%s, %o, %o: %v", c.who.name, c.folder, c.file, err)
		case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused+" (")):
			t.Errorf("%s, %o, %o: %v, want it refused by %s", c.who.name, c.folder, c.file, err, c.refused)
		}
	}
	if err := (account{}).mayRead(file); err != nil {
		t.Errorf("root cannot read it: %v", err)
	}
	if err := other.mayRead(filepath.Join(folder, "none")); err == nil {
		t.Error("a file that does not exist can be read")
	}
}

// Package fileowner gives files that root makes to whom they are for: a command that an administrator
// runs as root must not take a file away from the service's own user.
//
// In: the path of a new file. Out: the same file, owned by the owner of its folder. Where the process
// is not root's, and where the folder is, it does nothing.
package fileowner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// AsFolder gives a file to the owner of its folder.
func AsFolder(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	folder, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("the system does not tell who owns a folder")
	}
	if folder.Uid == 0 {
		return nil
	}
	if err := os.Chown(path, int(folder.Uid), int(folder.Gid)); err != nil {
		return fmt.Errorf("giving %s to the owner of its folder: %w", path, err)
	}
	return nil
}

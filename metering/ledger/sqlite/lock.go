package sqlite

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/risposta/gateway/internal/sqlitefile"
	"github.com/risposta/gateway/metering/ledger"
)

// fileLock is the gateway's lock on the ledger's file itself, so that no other name of the file, and
// no lock file that somebody deletes, lets a second gateway in.
type fileLock struct {
	file *os.File
	id   fileID
}

// fileID names a file whatever its path is.
type fileID struct{ device, inode uint64 }

// held are the files that this process has locked. They are not opened a second time: closing any
// descriptor of a file gives up the locks that SQLite has on it in this process (fcntl(2)).
var held = struct {
	sync.Mutex
	ids map[fileID]bool
}{ids: map[fileID]bool{}}

// lockFile locks a file, and makes it where there is none, readable by its owner only.
func lockFile(path string) (*fileLock, error) {
	held.Lock()
	defer held.Unlock()
	if id, err := identify(os.Stat(path)); err == nil && held.ids[id] {
		return nil, fmt.Errorf("locking %s: %w", path, ledger.ErrLocked)
	}
	if err := sqlitefile.Create(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	id, err := identify(f.Stat())
	if err == nil {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ledger.ErrLocked
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
	}
	held.ids[id] = true
	return &fileLock{f, id}, nil
}

func identify(info os.FileInfo, err error) (id fileID, _ error) {
	if err != nil {
		return id, err
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return id, errors.New("the system does not tell one file from another")
	}
	return fileID{s.Dev, s.Ino}, nil
}

// unlock gives the file back. SQLite must have closed it before.
func (l *fileLock) unlock() error {
	held.Lock()
	defer held.Unlock()
	delete(held.ids, l.id)
	return l.file.Close()
}

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// smallDisk is a file system in memory, which can be filled. It needs root: PostgreSQL's own user
// writes to it, which a [faultfs.FS] of ours would not let.
type smallDisk struct{ dir string }

// smallBytes holds a new database, and what a run writes.
const smallBytes = 192 << 20

func newSmallDisk() (*smallDisk, error) {
	dir, err := os.MkdirTemp("", "risposta-postgres-")
	if err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", smallBytes)); err != nil {
		return nil, errors.Join(fmt.Errorf("mounting a small disk, which needs root: %w", err),
			os.Remove(dir))
	}
	d := &smallDisk{dir}
	return d, os.Mkdir(d.folder(), 0o700)
}

// folder is that of the database, which ends it.
func (d *smallDisk) folder() string { return filepath.Join(d.dir, "postgres") }

func (d *smallDisk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill takes all room.
func (d *smallDisk) fill() error {
	f, err := os.Create(d.ballast())
	if err != nil {
		return err
	}
	for block := make([]byte, 64<<10); err == nil; _, err = f.Write(block) {
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// empty gives the room back.
func (d *smallDisk) empty() error {
	if err := os.Remove(d.ballast()); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (d *smallDisk) close() error {
	err := syscall.Unmount(d.dir, 0)
	if rerr := os.Remove(d.dir); !errors.Is(rerr, os.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return err
}

// Package faultfs is a file system that fails on command.
//
// In: a folder, and a [Fault]. Out: a mount point that shows the folder through FUSE ([Mount]),
// whose writes and fsyncs fail, stall, or succeed and are then reported as failed. A gateway keeps
// its ledger there, to meet what a full, worn out or stuck disk does, which no test can demand of a
// good disk. It never changes data itself. It needs Linux with /dev/fuse and fusermount.
package faultfs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// When tells whether a failed operation was executed.
type When uint8

// The two variants of each fault.
const (
	Before When = iota // fails before it is executed: not persisted
	After              // fails after it is executed: persisted
)

// Fault describes how writes, fsyncs or both fail from now on.
type Fault struct {
	Write, Sync bool
	When        When
	Errno       syscall.Errno   // the error to report; 0 with Stall
	Stall       <-chan struct{} // operations wait until the channel closes, then succeed
	// OnSync, if not nil, is called once, at the Nth fsync (from 1), before or after the fsync is
	// executed, as When tells. Only that fsync fails.
	OnSync func()
	Nth    int
	// Watch, if not nil, is called before and after each call that changes a file or a name. Where it
	// reports true the call ends with EIO; a call that was not executed yet is left out.
	Watch func(Call) bool
}

// FS is one mounted file system.
type FS struct {
	Path   string // the mount point
	server *fuse.Server

	mu    sync.Mutex
	fault Fault
	syncs int
	hits  int
}

// Mount shows the folder at the mount point, without faults at first.
func Mount(folder, at string) (*FS, error) {
	f := &FS{Path: at}
	var st syscall.Stat_t
	if err := syscall.Stat(folder, &st); err != nil {
		return nil, fmt.Errorf("reading the folder %s: %w", folder, err)
	}
	data := &fs.LoopbackRoot{Path: folder, Dev: st.Dev}
	root := &node{LoopbackNode: &fs.LoopbackNode{RootData: data}, fs: f}
	data.RootNode = root
	server, err := fs.Mount(at, root, &fs.Options{MountOptions: fuse.MountOptions{FsName: sourceName(),
		Name: "faultfs"}})
	if err != nil {
		return nil, fmt.Errorf("mounting at %s: %w", at, err)
	}
	f.server = server
	return f, nil
}

// Unmount unmounts it. No process may have a file open in it.
func (f *FS) Unmount() error {
	f.Heal()
	err := f.server.Unmount()
	for range 50 { // the kernel closes the files of a process shortly after the process ends
		if err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
		err = f.server.Unmount()
	}
	return err
}

// Break starts a fault.
func (f *FS) Break(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.syncs = fault, 0
}

// Heal ends the fault.
func (f *FS) Heal() { f.Break(Fault{}) }

// Syncs is the number of fsyncs since the last Break or Heal.
func (f *FS) Syncs() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.syncs
}

// Hits is the number of operations that the faults have met since Mount.
func (f *FS) Hits() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits
}

func (f *FS) hit() {
	f.mu.Lock()
	f.hits++
	f.mu.Unlock()
}

type node struct {
	*fs.LoopbackNode
	fs *FS
}

// file prevents the kernel from passing reads and writes directly to the file behind.
type file struct{ *fs.LoopbackFile }

// PassthroughFd implements fs.FilePassthroughFder.
func (file) PassthroughFd() (int, bool) { return 0, false }

func ours(h fs.FileHandle) fs.FileHandle {
	if f, ok := h.(*fs.LoopbackFile); ok {
		return file{f}
	}
	return h
}

// Open implements fs.NodeOpener.
func (n *node) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	h, fuseFlags, errno := n.LoopbackNode.Open(ctx, flags)
	return ours(h), fuseFlags, errno
}

// Create implements fs.NodeCreater.
func (n *node) Create(ctx context.Context, name string, flags, mode uint32,
	out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	var inode *fs.Inode
	var h fs.FileHandle
	var fuseFlags uint32
	errno := n.fs.watched(Create, name, func() (errno syscall.Errno) {
		inode, h, fuseFlags, errno = n.LoopbackNode.Create(ctx, name, flags, mode, out)
		return errno
	})
	return inode, ours(h), fuseFlags, errno
}

// WrapChild implements fs.NodeWrapChilder.
func (n *node) WrapChild(_ context.Context, ops fs.InodeEmbedder) fs.InodeEmbedder {
	inner, ok := ops.(*fs.LoopbackNode)
	if !ok {
		return ops
	}
	return &node{LoopbackNode: inner, fs: n.fs}
}

var (
	_ fs.NodeWrapChilder = (*node)(nil)
	_ fs.NodeWriter      = (*node)(nil)
	_ fs.NodeFsyncer     = (*node)(nil)
)

// spared reports whether a file never fails: SQLite's shared memory is not meant for the disk.
func (n *node) spared() bool {
	name := n.Path(nil)
	return strings.HasSuffix(name, "-shm")
}

// Write implements fs.NodeWriter.
func (n *node) Write(ctx context.Context, h fs.FileHandle, data []byte, off int64) (uint32,
	syscall.Errno) {
	n.fs.mu.Lock()
	fault := n.fs.fault
	n.fs.mu.Unlock()
	do := func() (written uint32, errno syscall.Errno) {
		w, ok := h.(fs.FileWriter)
		if !ok {
			return 0, syscall.EBADF
		}
		errno = n.fs.watched(Write, n.Path(nil), func() (errno syscall.Errno) {
			written, errno = w.Write(ctx, data, off)
			return errno
		})
		return written, errno
	}
	if !fault.Write || n.spared() {
		return do()
	}
	n.fs.hit()
	if fault.When == After {
		if written, errno := do(); errno != 0 {
			return written, errno
		}
	}
	if errno := fault.wait(ctx); errno != 0 {
		return 0, errno
	}
	if fault.When == After {
		return uint32(len(data)), 0
	}
	return do()
}

// Fsync implements fs.NodeFsyncer.
func (n *node) Fsync(ctx context.Context, h fs.FileHandle, flags uint32) syscall.Errno {
	do := func() syscall.Errno {
		s, ok := h.(fs.FileFsyncer)
		if !ok {
			return syscall.EBADF
		}
		return n.fs.watched(Sync, n.Path(nil), func() syscall.Errno { return s.Fsync(ctx, flags) })
	}
	n.fs.mu.Lock()
	fault := n.fs.fault
	n.fs.syncs++
	nth := n.fs.syncs
	n.fs.mu.Unlock()
	if fault.OnSync != nil {
		if nth != fault.Nth {
			return do()
		}
		n.fs.hit()
		if fault.When == After {
			if errno := do(); errno != 0 {
				return errno
			}
		}
		fault.OnSync()
		return syscall.EIO
	}
	if !fault.Sync || n.spared() {
		return do()
	}
	n.fs.hit()
	if fault.When == After {
		if errno := do(); errno != 0 {
			return errno
		}
	}
	if errno := fault.wait(ctx); errno != 0 || fault.When == After {
		return errno
	}
	return do()
}

// wait is the fault itself: an immediate error, or a stall that ends in success.
func (f Fault) wait(ctx context.Context) syscall.Errno {
	if f.Stall == nil {
		return f.Errno
	}
	select {
	case <-f.Stall:
		return 0
	case <-ctx.Done():
		return syscall.EINTR
	}
}

// Available returns why this machine cannot mount such a file system, nil if it can.
func Available() error {
	fd, err := syscall.Open("/dev/fuse", syscall.O_RDWR, 0)
	if err != nil {
		return errors.New("/dev/fuse is missing")
	}
	return syscall.Close(fd)
}

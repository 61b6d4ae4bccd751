package faultfs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Op is what a call does.
type Op string

// The calls that change a file or a name.
const (
	Create Op = "create"
	Write  Op = "write"
	Sync   Op = "fsync"
	Rename Op = "rename"
	Mkdir  Op = "mkdir"
)

// Call is one call, before or after it is executed.
type Call struct {
	Op   Op
	Name string // of the file, of a rename its new name; where it is an open file's, with its folders
	When When
}

// watched executes a call, with a watch before and after it.
func (f *FS) watched(op Op, name string, do func() syscall.Errno) syscall.Errno {
	f.mu.Lock()
	watch := f.fault.Watch
	f.mu.Unlock()
	if watch == nil {
		return do()
	}
	if watch(Call{op, name, Before}) {
		return syscall.EIO
	}
	if errno := do(); errno != 0 {
		return errno
	}
	if watch(Call{op, name, After}) {
		return syscall.EIO
	}
	return 0
}

// Rename implements fs.NodeRenamer.
func (n *node) Rename(
	ctx context.Context, name string, parent fs.InodeEmbedder, newName string, flags uint32,
) syscall.Errno {
	return n.fs.watched(Rename, newName, func() syscall.Errno {
		return n.LoopbackNode.Rename(ctx, name, parent, newName, flags)
	})
}

// Mkdir implements fs.NodeMkdirer.
func (n *node) Mkdir(
	ctx context.Context, name string, mode uint32, out *fuse.EntryOut,
) (inode *fs.Inode, errno syscall.Errno) {
	errno = n.fs.watched(Mkdir, name, func() (errno syscall.Errno) {
		inode, errno = n.LoopbackNode.Mkdir(ctx, name, mode, out)
		return errno
	})
	return inode, errno
}

var (
	_ fs.NodeRenamer = (*node)(nil)
	_ fs.NodeMkdirer = (*node)(nil)
)

package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/risposta/gateway/internal/config"
)

// files reports the files of the configuration that the service cannot read, and secrets that every
// user of the machine can.
func (c Checks) files() {
	who, err := c.service()
	if err != nil {
		c.note("ledger.file", "not checked: whether the service can read its files: %v", err)
	}
	for _, f := range c.conf.Files() {
		c.file(f, who)
	}
}

func (c Checks) file(f config.NamedFile, who account) {
	info, err := os.Stat(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if !f.Made {
			c.fail(f.Key, "%s does not exist", f.Path)
		}
		return
	case err != nil:
		c.fail(f.Key, "%v", err)
		return
	case f.Secret && info.Mode().Perm()&0o007 != 0:
		c.fail(f.Key, "%s is readable or writable by every user (%s): chmod o= %[1]s", f.Path,
			info.Mode().Perm())
	}
	if err := who.mayRead(f.Path); err != nil {
		c.fail(f.Key, "%v", err)
	}
}

// account is a user of the machine, with what the user may read; the zero value is root.
type account struct {
	name string
	uid  uint32
	gids []uint32
}

// service is the user of the service: who runs the check; where that is root, the owner of the
// ledger's folder.
func (c Checks) service() (account, error) {
	if uid := os.Geteuid(); uid != 0 {
		groups, err := os.Getgroups()
		a := account{name: "the user of this check", uid: uint32(uid)}
		for _, gid := range append(groups, os.Getegid()) {
			a.gids = append(a.gids, uint32(gid))
		}
		return a, err
	}
	info, err := os.Stat(filepath.Dir(c.conf.Ledger.File))
	if err != nil {
		return account{}, err
	}
	return accountOf(ownerOf(info).Uid)
}

// accountOf is the user of a number, who need not have a name.
func accountOf(uid uint32) (account, error) {
	a := account{name: fmt.Sprintf("user %d", uid), uid: uid}
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if errors.As(err, new(user.UnknownUserIdError)) {
		return a, nil
	}
	if err != nil {
		return account{}, err
	}
	a.name = u.Username
	gids, err := u.GroupIds()
	if err != nil {
		return account{}, err
	}
	for _, g := range gids {
		gid, err := strconv.ParseUint(g, 10, 32)
		if err != nil {
			return account{}, fmt.Errorf("group %s of %s: %w", g, a.name, err)
		}
		a.gids = append(a.gids, uint32(gid))
	}
	return a, nil
}

func ownerOf(info fs.FileInfo) *syscall.Stat_t {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		panic("check: the system does not tell who owns a file") // Linux does
	}
	return stat
}

// mayRead says why the user cannot read a file: of it, or of a folder on the way to it. Access control
// lists are not looked at, so one that lets the user in is not seen.
func (a account) mayRead(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	const read, enter = 0o4, 0o1
	for at, need := path, uint32(read); ; at, need = filepath.Dir(at), enter {
		info, err := os.Stat(at)
		if err != nil {
			return err
		}
		if a.uid != 0 && a.bits(info)&need == 0 {
			return fmt.Errorf("%s cannot be read by %s: %s (%s) does not let that user in: "+
				"chgrp or chmod it", path, a.name, at, info.Mode().Perm())
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// bits are the permissions of a file that count for the user.
func (a account) bits(info fs.FileInfo) uint32 {
	owner, mode := ownerOf(info), uint32(info.Mode().Perm())
	switch {
	case owner.Uid == a.uid:
		return mode >> 6
	case slices.Contains(a.gids, owner.Gid):
		return mode >> 3
	}
	return mode
}

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Postgres is a PostgreSQL of a test's own, on loopback, in a folder of its own.
type Postgres struct {
	cmd  *exec.Cmd
	dir  string
	port int
	done chan struct{}
}

// postgresUser runs it where the test is root: PostgreSQL refuses that.
const postgresUser = "postgres"

// StartPostgres makes a database and starts it.
func StartPostgres(ctx context.Context) (*Postgres, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return nil, errors.Join(errors.New("PostgreSQL is not installed: `make setup` installs it"), err)
	}
	bin := filepath.Dir(found[len(found)-1])
	// Not the test's own folder: its user may not enter that.
	dir, err := os.MkdirTemp("", "risposta-postgres-")
	if err != nil {
		return nil, err
	}
	p := &Postgres{dir: dir, done: make(chan struct{})}
	as, err := p.owner()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	init := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-A", "trust", "-U", postgresUser, "--no-sync")
	init.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	init.Dir = dir
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	if p.port, err = FreePort("tcp"); err != nil {
		return nil, err
	}
	p.cmd = exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(p.port), "-k", dir, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGKILL}
	p.cmd.Dir = dir
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // it is ended by Stop
		close(p.done)
	}()
	return p, Until(ctx, 20*time.Second, "PostgreSQL to accept connections", func() error {
		out, err := exec.CommandContext(ctx, filepath.Join(bin, "pg_isready"), "-h", "127.0.0.1", "-p", strconv.Itoa(p.port)).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	})
}

// owner gives the folder to whoever runs the database, and returns who that is; nil: ourselves.
func (p *Postgres) owner() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(postgresUser)
	if err != nil {
		return nil, err
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2, os.Chown(p.dir, uid, gid)); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// DSN is how to reach it.
func (p *Postgres) DSN() string {
	return fmt.Sprintf("host=127.0.0.1 port=%d user=%s dbname=postgres sslmode=disable", p.port, postgresUser)
}

// Stop ends it and removes its folder.
func (p *Postgres) Stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGINT) // a fast shutdown; it may have ended by itself
	<-p.done
	return os.RemoveAll(p.dir)
}

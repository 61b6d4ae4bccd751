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

// Postgres is a PostgreSQL server for one test, on loopback, in its own folder.
type Postgres struct {
	cmd  *exec.Cmd
	dir  string
	port int
	done chan struct{}
}

// postgresUser runs the server if the test runs as root, which PostgreSQL refuses.
const postgresUser = "postgres"

// StartPostgres creates a database cluster and starts its server.
func StartPostgres(ctx context.Context) (*Postgres, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		missing := errors.New("PostgreSQL is not installed: `make setup` installs it")
		return nil, errors.Join(missing, err)
	}
	bin := filepath.Dir(found[len(found)-1])
	// postgresUser cannot enter the test's own folder.
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
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"),
		"-D", data, "-A", "trust", "-U", postgresUser, "--no-sync")
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	initdb.Dir = dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	if p.port, err = FreePort("tcp"); err != nil {
		return nil, err
	}
	p.cmd = exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(p.port),
		"-k", dir, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGKILL}
	p.cmd.Dir = dir
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // Stop ends it
		close(p.done)
	}()
	return p, Until(ctx, 20*time.Second, "PostgreSQL to accept connections", func() error {
		out, err := exec.CommandContext(ctx, filepath.Join(bin, "pg_isready"), "-h", "127.0.0.1",
			"-p", strconv.Itoa(p.port)).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	})
}

// owner gives the folder to the user that runs the server, and returns that user; nil: our own.
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

// DSN is its connection string.
func (p *Postgres) DSN() string {
	return fmt.Sprintf("host=127.0.0.1 port=%d user=%s dbname=postgres sslmode=disable", p.port,
		postgresUser)
}

// Stop ends it and removes its folder.
func (p *Postgres) Stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGINT) // a fast shutdown; already ended is fine
	<-p.done
	return os.RemoveAll(p.dir)
}

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
	cmd      *exec.Cmd
	bin, dir string
	data     string
	settings []string
	as       *syscall.Credential
	port     int
	done     chan struct{}
}

// postgresUser runs the server if the test runs as root, which PostgreSQL refuses.
const postgresUser = "postgres"

// StartPostgres creates a database cluster and starts its server. settings are such as fsync=on, in
// place of its own.
func StartPostgres(ctx context.Context, settings ...string) (*Postgres, error) {
	// postgresUser cannot enter the test's own folder.
	dir, err := os.MkdirTemp("", "risposta-postgres-")
	if err != nil {
		return nil, err
	}
	return StartPostgresIn(ctx, dir, settings...)
}

// TLS is a server's certificate and its key, as PEM.
type TLS struct{ Cert, Key string }

// StartPostgresTLS is StartPostgres for a server that takes no connection without TLS.
func StartPostgresTLS(ctx context.Context, secure TLS) (*Postgres, error) {
	dir, err := os.MkdirTemp("", "risposta-postgres-")
	if err != nil {
		return nil, err
	}
	return startPostgres(ctx, dir, &secure, []string{"ssl=on"})
}

// StartPostgresIn is StartPostgres in a folder that is there, and is removed with it.
func StartPostgresIn(ctx context.Context, dir string, settings ...string) (*Postgres, error) {
	return startPostgres(ctx, dir, nil, settings)
}

func startPostgres(
	ctx context.Context, dir string, secure *TLS, settings []string,
) (*Postgres, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		missing := errors.New("PostgreSQL is not installed: `make setup` installs it")
		return nil, errors.Join(missing, err)
	}
	p := &Postgres{
		bin: filepath.Dir(found[len(found)-1]), dir: dir, data: filepath.Join(dir, "data"),
		settings: settings,
	}
	if p.as, err = p.owner(); err != nil {
		return nil, err
	}
	initdb := exec.CommandContext(ctx, filepath.Join(p.bin, "initdb"), "-D", p.data, "-A", "trust",
		"-U", postgresUser, "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	initdb.Dir = dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	if p.port, err = FreePort("tcp"); err != nil {
		return nil, err
	}
	if secure != nil {
		if err := secure.write(p.data, p.as); err != nil {
			return nil, err
		}
	}
	return p, p.Start(ctx)
}

// Start starts the server, also again after Kill, and waits until it accepts connections.
func (p *Postgres) Start(ctx context.Context) error {
	args := []string{
		"-D", p.data, "-p", strconv.Itoa(p.port), "-k", p.dir,
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
	}
	for _, s := range p.settings {
		args = append(args, "-c", s)
	}
	cmd := exec.Command(filepath.Join(p.bin, "postgres"), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as, Pdeathsig: syscall.SIGKILL}
	cmd.Dir = p.dir
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // Stop ends it
		close(done)
	}()
	p.cmd, p.done = cmd, done
	return Until(ctx, 20*time.Second, "PostgreSQL to accept connections", func() error {
		out, err := exec.CommandContext(ctx, filepath.Join(p.bin, "pg_isready"), "-h", "127.0.0.1",
			"-p", strconv.Itoa(p.port)).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	})
}

// Kill ends the server at once, as a crash does: it recovers when it is started again.
func (p *Postgres) Kill() {
	_ = p.cmd.Process.Signal(syscall.SIGQUIT) // an immediate shutdown: without a checkpoint
	<-p.done
}

// write puts the certificate where the server looks for it, and forbids connections without TLS.
func (s *TLS) write(data string, as *syscall.Credential) error {
	for name, text := range map[string]string{
		"server.crt": s.Cert, "server.key": s.Key, "pg_hba.conf": "hostssl all all 127.0.0.1/32 trust\n",
	} {
		path := filepath.Join(data, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
		if as != nil {
			if err := os.Chown(path, int(as.Uid), int(as.Gid)); err != nil {
				return err
			}
		}
	}
	return nil
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

// Running reports whether the server runs.
func (p *Postgres) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Port is that on loopback.
func (p *Postgres) Port() int { return p.port }

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

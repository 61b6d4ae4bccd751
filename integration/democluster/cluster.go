package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// The nodes of deploy/cluster, by the entityid of their asterisk.conf.
const (
	firstNode  = "02:00:00:00:00:01"
	secondNode = "02:00:00:00:00:02"
)

const (
	project = "risposta-cluster"
	// imageUser is the user of the images of risposta and NATS.
	imageUser = 64646
	// postgresPort is not PostgreSQL's own, which this machine may use.
	postgresPort = 25432
	// startTimeout bounds the start of all that is in compose.yaml.
	startTimeout = 90 * time.Second
)

// demonstration is the running demonstration.
type demonstration struct {
	dir, deploy string
	began       time.Time
	pbxs        [2]*lab.Asterisk
	meters      map[string]string // their containers, by name
	parties     []*lab.Party
	followers   []*exec.Cmd
	events      chan event
	names       map[string]string // of the PBXs, by node
	started     bool
}

// progress prints a line with the seconds since the start.
func (d *demonstration) progress(format string, args ...any) {
	fmt.Printf("%5.1f s  %s\n", time.Since(d.began).Seconds(), fmt.Sprintf(format, args...))
}

// compose runs a command on the whole.
func (d *demonstration) compose(ctx context.Context, args ...string) (string, error) {
	env := []string{
		"KEYS=" + filepath.Join(d.dir, "keys"), fmt.Sprintf("POSTGRES_PORT=%d", postgresPort),
	}
	of := lab.Compose{File: filepath.Join(d.deploy, "compose.yaml"), Project: project, Env: env}
	return of.Run(ctx, args...)
}

// keys makes certificates and passwords, and the list of exempt callers, which is empty.
func (d *demonstration) keys(ctx context.Context) error {
	folder := filepath.Join(d.dir, "keys")
	cmd := exec.CommandContext(ctx, filepath.Join(d.deploy, "keys"), folder, "localhost")
	cmd.Env = append(os.Environ(), fmt.Sprintf("POSTGRES_PORT=%d", postgresPort))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making the keys: %w: %s", err, out)
	}
	exempt := filepath.Join(folder, "exempt.csv")
	if err := os.WriteFile(exempt, []byte("number,from,until,ref\ntotal,0,,\n"), 0o600); err != nil {
		return err
	}
	if err := os.Chmod(d.dir, 0o711); err != nil { // the containers' user passes through it
		return err
	}
	return filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		if err == nil {
			err = os.Chown(path, imageUser, imageUser)
		}
		return err
	})
}

// portsFree reports a port that is in use: a container would start again and again.
func portsFree() error {
	for _, port := range []int{
		4222, 4223, 4224, 6222, 6223, 6224, 8088, 8188, 9108, 9208, postgresPort,
	} {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return fmt.Errorf("port %d is in use, and the demonstration needs it: %w", port, err)
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

// start starts everything, and waits until each meter has one of the PBXs.
func (d *demonstration) start(ctx context.Context) error {
	if err := portsFree(); err != nil {
		return err
	}
	d.progress("certificates, passwords and keys")
	if err := d.keys(ctx); err != nil {
		return err
	}
	d.started = true
	d.progress("starting 2 Asterisk, 2 taps, 2 proxies, 3 NATS, PostgreSQL")
	_, err := d.compose(ctx, "up", "--detach", "pbx1", "pbx2", "nats1", "nats2", "nats3", "postgres",
		"tap1", "tap2", "proxy1", "proxy2")
	if err != nil {
		return err
	}
	if err := d.phones(ctx); err != nil {
		return err
	}
	err = lab.Until(ctx, startTimeout, "the key of the ledger log", func() error {
		_, err := d.compose(ctx, "run", "--rm", "-T", "ledger-key")
		return err
	})
	if err != nil {
		return err
	}
	d.progress("starting 2 meters")
	if _, err := d.compose(ctx, "up", "--detach", "--no-deps", "meter1", "meter2"); err != nil {
		return err
	}
	d.meters = map[string]string{}
	for _, meter := range []string{"meter1", "meter2"} {
		id, err := d.compose(ctx, "ps", "--quiet", meter)
		if err != nil {
			return err
		}
		d.meters[meter] = strings.TrimSpace(id)
		if err := d.follow(ctx, meter); err != nil {
			return err
		}
	}
	return d.untilShared(ctx)
}

// The ports of compose.yaml, and of deploy/asterisk/etc/pjsip.conf.
const (
	firstSIP, secondSIP = 5060, 5160
	annaPort, brunoPort = 5071, 5072
)

// phones waits for the PBXs, and starts the operators' phones: Anna at the first one, Bruno at the
// second.
func (d *demonstration) phones(ctx context.Context) error {
	for i, sip := range []int{firstSIP, secondSIP} {
		id, err := d.compose(ctx, "ps", "--quiet", fmt.Sprintf("pbx%d", i+1))
		if err != nil {
			return err
		}
		d.pbxs[i] = &lab.Asterisk{ID: strings.TrimSpace(id), SIPPort: sip}
		err = lab.Until(ctx, startTimeout, "Asterisk to have booted", func() error {
			out, err := d.pbxs[i].Console(ctx, "core waitfullybooted")
			if err == nil && !strings.Contains(out, "fully booted") {
				err = fmt.Errorf("the console prints %q", out)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	for i, port := range []int{annaPort, brunoPort} {
		p, err := lab.StartOperator(ctx, d.dir, lab.Plan{
			Port: port, Server: d.pbxs[i].SIPPort, Script: lab.Called(time.Second).WaitBye(),
		})
		if err != nil {
			return err
		}
		d.parties = append(d.parties, p)
	}
	return nil
}

// stop ends everything that was started, and removes it.
func (d *demonstration) stop(ctx context.Context) {
	for _, p := range d.parties {
		p.Stop()
	}
	var errs []error
	if d.started {
		_, err := d.compose(ctx, "down", "--volumes", "--timeout", "5")
		errs = append(errs, err)
	}
	for _, f := range d.followers {
		_ = f.Wait() // it ends with its container
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintf(os.Stderr, "demo-cluster: stopping: %v\n", err)
	}
}

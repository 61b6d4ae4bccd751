package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Party is one running SIP phone, a caller's or an operator's.
type Party struct {
	cmd  *exec.Cmd
	out  *bytes.Buffer
	name string
	errs string
	done chan struct{}
	err  error
}

// Plan describes a party.
type Plan struct {
	Script *Script // step by step
	Port   int     // its own SIP port; Asterisk calls operators there
	Server int     // Asterisk's SIP port
	Number string  // callers only: the number to dial
	Caller string  // callers only: their own number
	Many   bool    // operators only: take any number of calls, until stopped
	Calls  int     // how many calls to make or to take; 0: one
	Rate   int     // callers only: new calls a second, where there are several
}

// partyTimeout ends a party that hangs. Every scenario is shorter.
const partyTimeout = 10 * time.Minute

// StartParty starts a phone. Its scenario and its errors are kept in dir.
func StartParty(dir string, p Plan) (*Party, error) {
	name := fmt.Sprintf("party-%d", p.Port)
	path := filepath.Join(dir, name+".xml")
	if err := os.WriteFile(path, []byte(p.Script.scenario()), 0o600); err != nil {
		return nil, err
	}
	// A second of near silence, in u-law.
	if err := os.WriteFile(filepath.Join(dir, speechFile), bytes.Repeat([]byte{0xfe, 0x7e}, 4000),
		0o600); err != nil {
		return nil, err
	}
	media, err := FreePort("udp")
	if err != nil {
		return nil, err
	}
	args := []string{
		"-sf", path, "-i", "127.0.0.1", "-p", strconv.Itoa(p.Port), "-mp", strconv.Itoa(media),
		"-nostdin", "-trace_err", "-error_file", filepath.Join(dir, name+".errors"),
		"-timeout", strconv.Itoa(int(partyTimeout / time.Second)), "-timeout_error",
	}
	if !p.Many {
		args = append(args, "-m", strconv.Itoa(max(p.Calls, 1)))
	}
	if p.Script.passesResponses {
		args = append(args, "-default_behaviors", "all,-abortunexp")
	}
	if p.Rate > 0 {
		args = append(args, "-r", strconv.Itoa(p.Rate), "-l", strconv.Itoa(max(p.Calls, 1)))
	}
	if p.Number != "" {
		args = append(args, "-s", p.Number, "-key", "caller", p.Caller, "-key", "caller_name",
			"Maria")
	}
	args = append(args, fmt.Sprintf("127.0.0.1:%d", p.Server))
	party := &Party{name: name, errs: filepath.Join(dir, name+".errors"), out: &bytes.Buffer{},
		done: make(chan struct{})}
	party.cmd = exec.Command("sipp", args...)
	party.cmd.Dir = dir
	party.cmd.Stdout, party.cmd.Stderr = party.out, party.out
	// A party must not outlive the process that started it.
	party.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := party.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting sipp (is it installed? `make setup`): %w", err)
	}
	go func() {
		party.err = party.cmd.Wait()
		close(party.done)
	}()
	return party, nil
}

// phoneTimeout bounds the time in which a phone begins to listen, or one before it ends.
const phoneTimeout = 10 * time.Second

// StartOperator starts a party that waits for calls, and returns when it listens. A phone before it,
// whose calls have ended, may still have the port: that one's socket is not taken for the new one's.
func StartOperator(ctx context.Context, dir string, p Plan) (*Party, error) {
	what := fmt.Sprintf("an operator's phone on port %d", p.Port)
	err := Until(ctx, phoneTimeout, what+" to end, before the next one", func() error {
		if listening(p.Port) {
			return fmt.Errorf("a socket is open on UDP port %d", p.Port)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	party, err := StartParty(dir, p)
	if err != nil {
		return nil, err
	}
	return party, Until(ctx, phoneTimeout, what+" to listen", func() error {
		if listening(p.Port) {
			return nil
		}
		return fmt.Errorf("no socket is open on UDP port %d", p.Port)
	})
}

// Wait waits until the party ends, and returns what went wrong with it.
func (p *Party) Wait(ctx context.Context) error {
	select {
	case <-p.done:
	case <-ctx.Done():
		return fmt.Errorf("waiting for %s: %w", p.name, ctx.Err())
	}
	if p.err == nil {
		return nil
	}
	output, err := os.ReadFile(p.errs)
	if err != nil {
		output = p.out.Bytes()
	}
	return fmt.Errorf("%s: %w: %s", p.name, p.err, output[:min(len(output), 4000)])
}

// Stop kills the party.
func (p *Party) Stop() {
	_ = p.cmd.Process.Kill() // already ended is fine
	<-p.done
}

// listening reports whether a socket is bound to the UDP port, by the kernel's table.
func listening(port int) bool {
	table, err := os.ReadFile("/proc/net/udp")
	return err == nil && bytes.Contains(table, fmt.Appendf(nil, ":%04X ", port))
}

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

// Party is one SIP program, caller or operator.
type Party struct {
	cmd  *exec.Cmd
	out  *bytes.Buffer
	name string
	errs string
	done chan struct{}
	err  error
}

// Plan says what a party does.
type Plan struct {
	Script *Script // step by step
	Port   int     // its own SIP port; operators are called there
	Server int     // Asterisk's SIP port
	Number string  // callers: what they dial
	Caller string  // callers: the number they call from
	Calls  int     // how many calls it makes or takes; 0: one
	Rate   int     // callers: new calls a second, if there are several
}

// partyTimeout ends a party that hangs: no scenario takes longer.
const partyTimeout = 10 * time.Minute

// StartParty starts a SIP program. dir keeps its scenario and its errors.
func StartParty(dir string, p Plan) (*Party, error) {
	name := fmt.Sprintf("party-%d", p.Port)
	path := filepath.Join(dir, name+".xml")
	if err := os.WriteFile(path, []byte(p.Script.scenario()), 0o600); err != nil {
		return nil, err
	}
	// A second of near silence, in u-law.
	if err := os.WriteFile(filepath.Join(dir, speechFile), bytes.Repeat([]byte{0xfe, 0x7e}, 4000), 0o600); err != nil {
		return nil, err
	}
	media, err := FreePort("udp")
	if err != nil {
		return nil, err
	}
	args := []string{
		"-sf", path, "-i", "127.0.0.1", "-p", strconv.Itoa(p.Port), "-mp", strconv.Itoa(media),
		"-m", strconv.Itoa(max(p.Calls, 1)), "-nostdin", "-trace_err", "-error_file", filepath.Join(dir, name+".errors"),
		"-timeout", strconv.Itoa(int(partyTimeout / time.Second)), "-timeout_error",
	}
	if p.Script.patient {
		args = append(args, "-default_behaviors", "all,-abortunexp")
	}
	if p.Rate > 0 {
		args = append(args, "-r", strconv.Itoa(p.Rate))
	}
	if p.Number != "" {
		args = append(args, "-s", p.Number, "-key", "caller", p.Caller, "-key", "caller_name", "Maria")
	}
	args = append(args, fmt.Sprintf("127.0.0.1:%d", p.Server))
	party := &Party{name: name, errs: filepath.Join(dir, name+".errors"), out: &bytes.Buffer{}, done: make(chan struct{})}
	party.cmd = exec.Command("sipp", args...)
	party.cmd.Dir = dir
	party.cmd.Stdout, party.cmd.Stderr = party.out, party.out
	// A party must not outlive whoever started it.
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

// StartOperator starts a party that waits for calls, and returns when it does.
func StartOperator(ctx context.Context, dir string, p Plan) (*Party, error) {
	party, err := StartParty(dir, p)
	if err != nil {
		return nil, err
	}
	return party, Until(ctx, 10*time.Second, fmt.Sprintf("an operator's phone to listen on port %d", p.Port), func() error {
		if listening(p.Port) {
			return nil
		}
		return fmt.Errorf("nobody listens on UDP port %d", p.Port)
	})
}

// Wait waits for the party's end, and says what went wrong with it.
func (p *Party) Wait(ctx context.Context) error {
	select {
	case <-p.done:
	case <-ctx.Done():
		return fmt.Errorf("waiting for %s: %w", p.name, ctx.Err())
	}
	if p.err == nil {
		return nil
	}
	said, err := os.ReadFile(p.errs)
	if err != nil {
		said = p.out.Bytes()
	}
	return fmt.Errorf("%s: %w: %s", p.name, p.err, said[:min(len(said), 4000)])
}

// Stop ends the party, whatever it is doing.
func (p *Party) Stop() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.done
}

// listening tells whether some socket holds the UDP port, from the kernel's own table.
func listening(port int) bool {
	table, err := os.ReadFile("/proc/net/udp")
	return err == nil && bytes.Contains(table, fmt.Appendf(nil, ":%04X ", port))
}

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Gateway is a gateway process and its configuration.
type Gateway struct {
	Binary string
	Config string
	Admin  string // host:port
	run    string // the command that Start runs
	listen string // the address that Asterisk connects to; "": the gateway connects to Asterisk
	env    []string
	cmd    *exec.Cmd
	log    *syncBuffer
	done   chan struct{}
	err    error
}

// callersKey is the secret under which the lab's gateways make pseudonyms.
const callersKey = "1ab01ab01ab01ab01ab01ab01ab01ab01ab01ab01ab01ab01ab01ab01ab01ab0"

// NewGateway writes the configuration into dir. The text may name {{ari}}, {{dir}} and {{admin}}.
func NewGateway(binary, dir, ariURL, config string) (*Gateway, error) {
	g, err := newGateway(binary, "run", dir, config, "{{ari}}", ariURL)
	if err == nil && strings.Contains("\n"+config, "\npbx:") { // a meter of a cluster has none
		g.Setenv("RISPOSTA_PBX_0_PASSWORD", ARIPassword)
	}
	return g, err
}

// newGateway makes one that runs a command, and replaces in the configuration, besides, each old text
// by the new one behind it.
func newGateway(binary, run, dir, config string, oldNew ...string) (*Gateway, error) {
	port, err := FreePort("tcp")
	if err != nil {
		return nil, err
	}
	g := &Gateway{Binary: binary, run: run, Config: filepath.Join(dir, "gateway.yaml"),
		Admin: fmt.Sprintf("127.0.0.1:%d", port), log: &syncBuffer{}}
	g.env = append(os.Environ(), "RISPOSTA_CALLERS_KEY="+callersKey)
	oldNew = append(oldNew, "{{dir}}", dir, "{{admin}}", g.Admin)
	return g, os.WriteFile(g.Config, []byte(strings.NewReplacer(oldNew...).Replace(config)), 0o600)
}

// Listen changes the configuration so that Asterisk connects to the gateway.
func (g *Gateway) Listen(address, password string) error {
	text, err := os.ReadFile(g.Config)
	if err != nil {
		return err
	}
	g.listen = address
	g.env = append(g.env, "RISPOSTA_PBX_0_LISTEN_PASSWORD="+password)
	const before = ", username: risposta}"
	changed := strings.Replace(string(text), before,
		fmt.Sprintf(", username: risposta, listen: {address: %q}}", address), 1)
	if changed == string(text) {
		return fmt.Errorf("%s has no %q to change", g.Config, before)
	}
	return os.WriteFile(g.Config, []byte(changed), 0o600)
}

// RequestWebSocket asks the gateway's listener for a WebSocket and returns the HTTP status.
func (g *Gateway) RequestWebSocket(
	ctx context.Context, user, password string,
) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.listen+"/ari", nil)
	if err != nil {
		return 0, err
	}
	req.SetBasicAuth(user, password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// NewProxy is NewGateway for `risposta proxy`.
func NewProxy(binary, dir, ariURL, config string) (*Gateway, error) {
	g, err := NewGateway(binary, dir, ariURL, config)
	if err == nil {
		g.run = "proxy"
	}
	return g, err
}

// NewTap is NewGateway for `risposta tap`.
func NewTap(binary, dir, ariURL, config string) (*Gateway, error) {
	g, err := NewGateway(binary, dir, ariURL, config)
	if err == nil {
		g.run = "tap"
	}
	return g, err
}

// Start starts `risposta run`, or `risposta proxy`, and does not wait until it is ready: see WaitReady.
func (g *Gateway) Start() error {
	g.cmd = exec.Command(g.Binary, g.run, "--config", g.Config)
	g.log, g.done = &syncBuffer{}, make(chan struct{})
	g.cmd.Env, g.cmd.Stdout, g.cmd.Stderr = g.env, g.log, g.log
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := g.cmd.Start(); err != nil {
		return fmt.Errorf("starting the gateway: %w", err)
	}
	go func() {
		g.err = g.cmd.Wait()
		close(g.done)
	}()
	return nil
}

// Ready requests /readyz.
func (g *Gateway) Ready(ctx context.Context) (status int, body string, err error) {
	return g.Get(ctx, "/readyz")
}

// Get requests a path of the admin port.
func (g *Gateway) Get(ctx context.Context, path string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.Admin+path, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), errors.Join(err, resp.Body.Close())
}

// WaitReady waits until the gateway meters calls.
func (g *Gateway) WaitReady(ctx context.Context, timeout time.Duration) error {
	return Until(ctx, timeout, "the gateway to be ready", func() error {
		select {
		case <-g.done:
			return fmt.Errorf("it has ended: %w\n%s", g.err, g.Log())
		default:
		}
		status, body, err := g.Ready(ctx)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("/readyz answers %d: %s", status, body)
		}
		return err
	})
}

// Log is the output of the process since its last start.
func (g *Gateway) Log() string { return g.log.String() }

// Terminate asks the process to end, as systemd would, and returns its exit status.
func (g *Gateway) Terminate(ctx context.Context) (code int, err error) {
	return g.end(ctx, syscall.SIGTERM)
}

// PID is the process's id.
func (g *Gateway) PID() int { return g.cmd.Process.Pid }

// Signal sends a signal to the process and does not wait for its effect.
func (g *Gateway) Signal(sig syscall.Signal) error { return g.cmd.Process.Signal(sig) }

// Kill ends the process as a crash would.
func (g *Gateway) Kill(ctx context.Context) error {
	_, err := g.end(ctx, syscall.SIGKILL)
	return err
}

func (g *Gateway) end(ctx context.Context, sig syscall.Signal) (int, error) {
	if g.cmd == nil {
		return 0, nil
	}
	if err := g.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return 0, err
	}
	select {
	case <-g.done:
		return g.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("waiting for the gateway to end: %w", ctx.Err())
	}
}

// Command runs another command of the same binary with the same configuration. A nonzero exit
// status is returned in code, not as an error.
func (g *Gateway) Command(
	ctx context.Context, args ...string,
) (stdout string, code int, err error) {
	cmd := exec.CommandContext(ctx, g.Binary, append(args, "--config", g.Config)...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = g.env, &out, &errs
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out.String() + errs.String(), exit.ExitCode(), nil
	}
	return out.String(), 0, err
}

// Record is a record as billing reads it: by its field names, without our types.
type Record struct {
	Record          string    `json:"record"`
	Call            string    `json:"call"`
	Service         string    `json:"service"`
	EndedAt         time.Time `json:"ended_at"`
	Outcome         string    `json:"outcome"`
	TalkMs          int64     `json:"talk_ms"`
	WaitedMs        int64     `json:"waited_ms"`
	HeldMs          int64     `json:"held_ms"`
	UnseenMs        int64     `json:"unseen_ms"`
	BillableSeconds int64     `json:"billable_seconds"`
	Exempt          bool      `json:"exempt"`
	Attestation     string    `json:"attestation"`
	Version         int       `json:"version"`
	State           string    `json:"state"`
	ExemptionRef    string    `json:"exemption_ref"`
	Policy          string    `json:"policy"`
	Numbers         []string  `json:"numbers"`
	OutsideHours    bool      `json:"outside_hours"`
	ChosenAt        time.Time `json:"chosen_at"`
	Announcement    struct {
		AnnouncedAt time.Time `json:"announced_at"`
		Free        bool
		Consent     string
		WaitToldAt  time.Time `json:"wait_told_at"`
		WaitSeconds int64     `json:"wait_seconds"`
	}
	Survey struct {
		Satisfaction int
		Solved       string
	}
	Charge  struct{ Amount, Currency string }
	Reasons []string `json:"reasons"`
	Talk    []Talk   `json:"talk"`
}

// Talk is one stretch of talk in a record.
type Talk struct {
	From, To        time.Time
	Ms              int64
	Operator, Queue string
}

// Records reads the records of a service through `risposta records`.
func (g *Gateway) Records(ctx context.Context, service string) ([]Record, error) {
	out, code, err := g.Command(ctx, "records", "--service", service)
	if err != nil || code != 0 {
		return nil, fmt.Errorf("risposta records ended with %d: %w: %s", code, err, out)
	}
	var records []Record
	for line := range strings.Lines(out) {
		var r Record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, fmt.Errorf("reading a record: %w", err)
		}
		records = append(records, r)
	}
	return records, nil
}

// syncBuffer is a buffer that one goroutine fills while another reads.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Setenv adds a variable to the environment of the gateway and of its commands.
func (g *Gateway) Setenv(name, value string) { g.env = append(g.env, name+"="+value) }

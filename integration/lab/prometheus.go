package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Prometheus is a Prometheus server for one test, on loopback, in a folder of the test.
type Prometheus struct {
	cmd  *exec.Cmd
	url  string
	log  *syncBuffer
	done chan struct{}
}

// StartPrometheus starts a server with this configuration, and waits until it is ready.
func StartPrometheus(ctx context.Context, dir, config string) (*Prometheus, error) {
	port, err := FreePort("tcp")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	listen := fmt.Sprintf("127.0.0.1:%d", port)
	p := &Prometheus{url: "http://" + listen, log: &syncBuffer{}, done: make(chan struct{})}
	p.cmd = exec.Command("prometheus", "--config.file="+file, "--web.listen-address="+listen,
		"--storage.tsdb.path="+filepath.Join(dir, "prometheus"), "--log.level=warn")
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting Prometheus, which `make setup` installs: %w", err)
	}
	go func() {
		_ = p.cmd.Wait() // Stop ends it
		close(p.done)
	}()
	err = Until(ctx, time.Minute, "Prometheus to be ready", func() error {
		select {
		case <-p.done:
			return fmt.Errorf("it has ended:\n%s", p.log)
		default:
		}
		return get(ctx, p.url+"/-/ready", nil)
	})
	if err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// Stop ends it.
func (p *Prometheus) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // already ended is fine
	<-p.done
}

// Log is what it has logged: warnings and errors.
func (p *Prometheus) Log() string { return p.log.String() }

// Query is how many series an expression has now.
func (p *Prometheus) Query(ctx context.Context, expr string) (series int, err error) {
	var answer struct {
		Data struct{ Result []json.RawMessage }
	}
	err = get(ctx, p.url+"/api/v1/query?query="+url.QueryEscape(expr), &answer)
	return len(answer.Data.Result), err
}

// LabelValues are the values of a label in the series that a selector has.
func (p *Prometheus) LabelValues(ctx context.Context, label, selector string) ([]string, error) {
	var answer struct{ Data []string }
	path := "/api/v1/label/" + label + "/values?match[]=" + url.QueryEscape(selector)
	err := get(ctx, p.url+path, &answer)
	return answer.Data, err
}

// Rule is an alert as the server evaluates it.
type Rule struct {
	Name, State, Health, LastError string
	LastEvaluation                 time.Time
}

// Rules are all alerts.
func (p *Prometheus) Rules(ctx context.Context) (all []Rule, err error) {
	var answer struct {
		Data struct{ Groups []struct{ Rules []Rule } }
	}
	err = get(ctx, p.url+"/api/v1/rules", &answer)
	for _, group := range answer.Data.Groups {
		all = append(all, group.Rules...)
	}
	return all, err
}

// get reads JSON; into may be nil.
func get(ctx context.Context, address string, into any) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		var answer struct{ Error string }
		_ = json.NewDecoder(resp.Body).Decode(&answer) // the status says enough
		return fmt.Errorf("%s: %s: %s", address, resp.Status, answer.Error)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

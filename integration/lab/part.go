package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Part is a tap or a meter of a cluster. While it is to run, it is started again whenever it ends, as
// systemd does.
type Part struct {
	*Gateway
	Name     string
	Dir      string
	PBX      *Link   // of a tap
	NATS     []*Link // to each server
	Postgres *Link   // of a meter

	mu      sync.Mutex // of the process
	wanted  bool       // it is to run
	earlier []string   // logs of its former processes
	kept    sync.WaitGroup
}

// startAgain is how long a process that has ended is away: RestartSec= of its unit is longer.
const startAgain = 200 * time.Millisecond

// Start starts the part, also again.
func (p *Part) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = true
	return p.start()
}

// start is called with the lock held.
func (p *Part) start() error {
	if p.cmd != nil {
		p.earlier = append(p.earlier, p.Log())
	}
	if err := p.Gateway.Start(); err != nil {
		return err
	}
	done := p.done
	p.kept.Go(func() {
		<-done
		time.Sleep(startAgain) // what systemd waits
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.wanted && p.done == done {
			if err := p.start(); err != nil {
				p.earlier = append(p.earlier, err.Error())
			}
		}
	})
	return nil
}

// Signal sends a signal to the process. One that kills it has it started again.
func (p *Part) Signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return ended(p.Gateway.Signal(sig))
}

// ended leaves out the error that says that the process has ended already.
func ended(err error) error {
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Kill ends the part as a crash would, until Start.
func (p *Part) Kill(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = false
	return p.Gateway.Kill(ctx)
}

// Terminate asks the part to end, and returns its exit status.
func (p *Part) Terminate(ctx context.Context) (code int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = false
	return p.Gateway.Terminate(ctx)
}

// Logs is the output of all its processes.
func (p *Part) Logs() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(append(append([]string{}, p.earlier...), p.Log()), "--- started again\n")
}

// Links are all of a part.
func (p *Part) Links() (all []*Link) {
	all = append(all, p.NATS...)
	for _, l := range []*Link{p.PBX, p.Postgres} {
		if l != nil {
			all = append(all, l)
		}
	}
	return all
}

// ErrNoMetric says that a process has no series of a metric.
var ErrNoMetric = errors.New("no such metric")

// Metric sums the series of a metric.
func (g *Gateway) Metric(ctx context.Context, name string) (sum float64, err error) {
	_, text, err := g.Get(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	found := false
	for line := range strings.Lines(text) {
		series, text, ok := strings.Cut(strings.TrimSpace(line), " ")
		if label, _, _ := strings.Cut(series, "{"); !ok || label != name {
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return 0, fmt.Errorf("reading the metric %s: %w", name, err)
		}
		sum, found = sum+value, true
	}
	if !found {
		return 0, fmt.Errorf("%w: %s", ErrNoMetric, name)
	}
	return sum, nil
}

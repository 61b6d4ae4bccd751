package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// result is what one run came to.
type result struct {
	rate, calls, records int
	overflows            float64
	played, idle         lab.Usage
	idleFor              time.Duration
	commits              float64
	late                 string // the player's latest frame
	waits                []time.Duration
}

// endTimeout bounds the time from the last frame to the last record.
const endTimeout = 30 * time.Second

// measure plays calls at a rate to a gateway.
func measure(ctx context.Context, o options, rate int) (res result, err error) {
	res = result{rate: rate, calls: rate * int(o.length/time.Second), idleFor: o.idle}
	dir, err := os.MkdirTemp("", "risposta-played-")
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p, err := startPlayer(ctx, o.trace, 1, rate, res.calls)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	gw, err := lab.StartOneService(ctx, o.binary, dir, p.url, "played", "PJSIP/agent*")
	if err != nil {
		return res, err
	}
	defer func() {
		_, terr := gw.Terminate(context.WithoutCancel(ctx))
		err = errors.Join(err, terr)
	}()
	if err := res.measureIdle(ctx, gw); err != nil {
		return res, err
	}
	before, err := lab.UsageOf(gw.PID())
	if err != nil {
		return res, err
	}
	commits, err := metric(ctx, gw, "risposta_commit_duration_seconds_count")
	if err != nil {
		return res, err
	}
	if res.late, err = p.play(); err != nil {
		return res, errors.Join(err, errors.New(gw.Log()))
	}
	err = lab.Until(ctx, endTimeout, "the calls to end", func() error {
		open, err := metric(ctx, gw, `risposta_open_calls{pbx="played"}`)
		if err == nil && open > 0 {
			err = fmt.Errorf("%.0f are open", open)
		}
		return err
	})
	if err != nil {
		return res, err
	}
	after, err := lab.UsageOf(gw.PID())
	if err != nil {
		return res, err
	}
	res.played = after.Since(before)
	return res, res.readGateway(ctx, gw, commits)
}

func (res *result) measureIdle(ctx context.Context, gw *lab.Gateway) error {
	before, err := lab.UsageOf(gw.PID())
	if err != nil {
		return err
	}
	select {
	case <-time.After(res.idleFor):
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := lab.UsageOf(gw.PID())
	res.idle = after.Since(before)
	return err
}

// readGateway reads the gateway's metrics and its log.
func (res *result) readGateway(ctx context.Context, gw *lab.Gateway, commits float64) (err error) {
	if res.commits, err = metric(ctx, gw, "risposta_commit_duration_seconds_count"); err != nil {
		return err
	}
	res.commits -= commits
	res.overflows, err = metric(ctx, gw, `risposta_inbox_overflows_total{pbx="played"}`)
	if err != nil {
		return err
	}
	return res.readLog(gw.Log())
}

// readLog finds when talk was logged, and counts the records.
func (res *result) readLog(log string) error {
	for line := range strings.Lines(log) {
		var e struct {
			TS, At  time.Time
			Event   string
			Version int
		}
		switch {
		case strings.Contains(line, `"talk.started"`):
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				return fmt.Errorf("reading the gateway's log: %w", err)
			}
			// The player has written the instant of sending into the frame.
			res.waits = append(res.waits, e.TS.Sub(e.At))
		case strings.Contains(line, `"record.written"`):
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				return fmt.Errorf("reading the gateway's log: %w", err)
			}
			if e.Version == 1 {
				res.records++
			}
		}
	}
	slices.Sort(res.waits)
	return nil
}

func (res *result) print() {
	calls := float64(res.calls)
	fmt.Printf("%7d %7d  %11.2f  %12.2f  %8.1f  %13.1f  %17d, %d %25.2f, %.0f\n",
		res.rate, res.calls, res.played.CPU.Seconds()*1000/calls, res.commits/calls,
		float64(res.played.Written)/1024/calls, float64(res.played.WakeUps)/calls,
		res.wait(0.5), res.wait(0.99), 100*res.idle.CPU.Seconds()/res.idleFor.Seconds(),
		float64(res.idle.WakeUps)/res.idleFor.Seconds())
	fmt.Printf("        %d records, %.0f overflows; the player's latest frame was late by %s\n",
		res.records, res.overflows, res.late)
}

// wait is the time that such a part of the calls was logged within, in milliseconds.
func (res *result) wait(part float64) int64 {
	if len(res.waits) == 0 {
		return -1
	}
	return res.waits[int(part*float64(len(res.waits)-1))].Milliseconds()
}

// metric reads one sample of the gateway's metrics.
func metric(ctx context.Context, gw *lab.Gateway, name string) (float64, error) {
	_, text, err := gw.Get(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("the gateway has no metric %s", name)
}

// playerProcess is the process that plays.
type playerProcess struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	url string
}

func startPlayer(
	ctx context.Context, trace string, number, rate, calls int,
) (*playerProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &playerProcess{}
	p.cmd = exec.CommandContext(ctx, self, "-play", "-trace", trace,
		"-number", strconv.Itoa(number), "-rate", strconv.Itoa(rate), "-calls", strconv.Itoa(calls))
	p.cmd.Stderr = os.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the player: %w", err)
	}
	if p.url, err = p.line(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the player: %w", err), p.end())
	}
	return p, nil
}

func (p *playerProcess) line() (string, error) {
	text, err := p.out.ReadString('\n')
	return strings.TrimSpace(text), err
}

// play lets it play, and returns by how much a frame was late at most.
func (p *playerProcess) play() (late string, err error) {
	if _, err := io.WriteString(p.in, "play\n"); err != nil {
		return "", err
	}
	if late, err = p.line(); err != nil {
		return "", fmt.Errorf("the player has ended: %w", err)
	}
	return late, nil
}

func (p *playerProcess) end() error { return errors.Join(p.in.Close(), p.cmd.Wait()) }

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// play is the player's process: it prints its address, and at a line on standard input plays the
// calls. Then it prints by how much a frame was late at most.
func play(ctx context.Context, o options) error {
	frames, err := readTemplates(o.trace)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p := &player{rate: o.rate, calls: o.calls, node: nodeOf(o.number), frames: ofPBX(frames, o.number)}
	server := http.Server{Handler: p.requests(), ReadHeaderTimeout: time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	fmt.Printf("http://%s/ari\n", l.Addr())
	input := bufio.NewReader(os.Stdin)
	if _, err := input.ReadString('\n'); err != nil {
		return fmt.Errorf("waiting for the signal to play: %w", err)
	}
	late, err := p.playAll(ctx)
	if err != nil {
		return err
	}
	fmt.Println(late)
	_, _ = input.ReadString('\n') // the end of the input: the gateway has ended
	if err := errors.Join(server.Close(), <-served); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// fewCalls is the rate up to which each frame is a write of its own, as Asterisk's are. Beyond it the
// player would need the machine for itself.
const fewCalls = 100

// playAll plays all calls at their rate. The kth frame of a call is due that long after the call's
// begin; next[k] is the next call whose kth frame is to come.
func (p *player) playAll(ctx context.Context) (late time.Duration, err error) {
	frames := p.wanted()
	next := make([]int, len(frames))
	began := time.Now()
	start := func(call int) time.Time {
		return began.Add(time.Duration(call) * time.Second / time.Duration(p.rate))
	}
	var buf []byte
	for {
		now := time.Now()
		wait := time.Time{}
		for k := range frames {
			for next[k] < p.calls {
				due := start(next[k]).Add(frames[k].after)
				if due.After(now) {
					if wait.IsZero() || due.Before(wait) {
						wait = due
					}
					break
				}
				late = max(late, now.Sub(due))
				buf = frames[k].appendCall(buf, next[k], start(next[k]))
				next[k]++
				if p.rate <= fewCalls {
					if buf, err = p.flush(buf); err != nil {
						return late, err
					}
				}
			}
		}
		if buf, err = p.flush(buf); err != nil {
			return late, err
		}
		if wait.IsZero() {
			return late, nil
		}
		// At a high rate a frame is always due: what comes in a millisecond is sent at once.
		pause := time.Until(wait)
		if p.rate > fewCalls {
			pause = max(pause, time.Millisecond)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return late, ctx.Err()
		}
	}
}

// flush writes frames to the gateway, and returns the emptied buffer.
func (p *player) flush(buf []byte) ([]byte, error) {
	if len(buf) == 0 {
		return buf, nil
	}
	p.mu.Lock()
	conn := p.conn
	p.playing = true
	p.mu.Unlock()
	if conn == nil {
		return buf, errors.New("no gateway is connected")
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	_, err := conn.Write(buf)
	return buf[:0], err
}

package lab

import (
	"context"
	"errors"
	"os"

	"github.com/coder/websocket"
)

// Recorder writes every ARI event of a PBX to a file, one frame a line.
type Recorder struct {
	conn   *websocket.Conn
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// StartRecorder starts a recording into a file.
func StartRecorder(ctx context.Context, ari, path string) (*Recorder, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	conn, err := dialEvents(ctx, ari, "recorder", true)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	reading, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &Recorder{conn: conn, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		for {
			_, frame, err := conn.Read(reading)
			if err != nil {
				r.err = f.Close()
				return
			}
			if _, err := f.Write(append(frame, '\n')); err != nil {
				r.err = errors.Join(err, f.Close())
				return
			}
		}
	}()
	return r, nil
}

// Stop ends the recording.
func (r *Recorder) Stop() error {
	r.cancel()
	_ = r.conn.CloseNow() // already closed is fine
	<-r.done
	return r.err
}

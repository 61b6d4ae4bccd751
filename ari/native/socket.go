package native

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/coder/websocket"

	"github.com/risposta/gateway/ari"
)

// frontBytes is how much of a longer frame is kept: its type and its channels stand there.
const frontBytes = 64 << 10

// read takes frames off a socket as fast as they come. deliver must not wait, and must not keep Raw:
// the next frame takes its place.
func read(ctx context.Context, conn *websocket.Conn, deliver func(ari.Frame) error) error {
	defer context.AfterFunc(ctx, func() { _ = conn.CloseNow() })()
	// For a context that can end the library would make six objects a frame.
	endless := context.WithoutCancel(ctx)
	fail := func(err error) error {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("reading the event socket: %w", err)
	}
	buf := make([]byte, frontBytes)
	for {
		_, r, err := conn.Reader(endless)
		if err != nil {
			return fail(err)
		}
		var f ari.Frame
		if f, buf, err = readFrame(r, buf); err != nil {
			return fail(err)
		}
		if err := deliver(f); err != nil {
			return err
		}
		if len(buf) > frontBytes {
			buf = make([]byte, frontBytes) // a long frame is rare
		}
	}
}

// readInPieces reads as read does, in the rhythm of the source where the connection has one.
func (s *Source) readInPieces(ctx context.Context, conn *websocket.Conn, paced *pacedConn) error {
	s.sync.keepFrames(true)
	defer s.sync.keepFrames(false)
	paced.pace = &pace{pause: s.pause, handOver: s.sync.queue.HandOver}
	return read(ctx, conn, func(f ari.Frame) error {
		f.Arrived = paced.readAt
		return s.sync.deliver(f)
	})
}

// pause is how long the reader lets frames come. A caller at the front desk waits for what they say.
func (s *Source) pause() time.Duration {
	if s.sync.deskIsBusy() {
		return min(s.cfg.ReadEvery, deskPause)
	}
	return min(s.cfg.ReadEvery, maxPause)
}

// readFrame reads one frame into a buffer, which it may replace by a longer one.
func readFrame(r io.Reader, buf []byte) (ari.Frame, []byte, error) {
	for n := 0; ; {
		if n == len(buf) && n < ari.MaxFrame {
			buf = append(buf, make([]byte, min(n, ari.MaxFrame-n))...)
		}
		m, err := r.Read(buf[n:])
		n += m
		switch {
		case errors.Is(err, io.EOF):
			return ari.Frame{Raw: buf[:n]}, buf, nil
		case err != nil:
			return ari.Frame{}, buf, err
		case n == ari.MaxFrame:
			rest, err := io.Copy(io.Discard, r)
			if err != nil || rest == 0 {
				return ari.Frame{Raw: buf[:n]}, buf, err
			}
			return ari.Frame{Raw: buf[:frontBytes], Total: n + int(rest)}, buf, nil
		}
	}
}

// endedByPBX reports whether a connection ended because the PBX ended it after all it had to send.
func endedByPBX(err error) bool {
	return websocket.CloseStatus(err) == websocket.StatusNormalClosure || errors.Is(err, io.EOF)
}

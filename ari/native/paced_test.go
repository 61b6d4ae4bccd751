package native

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// countedConn counts the readings of a connection whose other side writes without waiting.
type countedConn struct {
	net.Conn
	reads   int
	waiting chan []byte
}

func (c *countedConn) Read(p []byte) (int, error) {
	first, ok := <-c.waiting
	if !ok {
		return 0, io.EOF
	}
	c.reads++
	n := copy(p, first)
	for n < len(p) {
		select {
		case more, ok := <-c.waiting:
			if !ok {
				return n, nil
			}
			n += copy(p[n:], more)
			continue
		default:
		}
		break
	}
	return n, nil
}

// Frames come one by one at a rate: no frame waits for more than the pause, every byte arrives, and
// there are far fewer readings than frames.
func TestASocketIsReadInPieces(t *testing.T) {
	frame := bytes.Repeat([]byte("f"), 1024) // pieces are whole frames
	for name, c := range map[string]struct {
		every    time.Duration
		frames   int
		maxReads int
	}{
		"a frame a second":    {time.Second, 20, 20},
		"800 frames a second": {1250 * time.Microsecond, 1600, 220},
		"80,000 frames":       {12500 * time.Nanosecond, 80_000, 2100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				raw := &countedConn{waiting: make(chan []byte, c.frames)}
				conn := newPacedConn(raw)
				go func() {
					defer close(raw.waiting)
					for range c.frames {
						raw.waiting <- frame
						time.Sleep(c.every)
					}
				}()
				began, p, got := time.Now(), make([]byte, 4096), 0
				for {
					n, err := conn.Read(p)
					got += n
					if err != nil {
						break
					}
					// All but those of the last pause have been read.
					came := int(time.Since(began) / c.every)
					if late := came - got/len(frame); late > int(maxReadPause/c.every)+readBytes/len(frame) {
						t.Fatalf("after %s %d frames wait", time.Since(began), late)
					}
				}
				if got != c.frames*len(frame) {
					t.Errorf("%d bytes were read, want %d", got, c.frames*len(frame))
				}
				if raw.reads > c.maxReads {
					t.Errorf("%d readings for %d frames, want at most %d", raw.reads, c.frames, c.maxReads)
				}
			})
		})
	}
}

package native

import (
	"context"
	"net"
	"time"
)

// The rhythm of reading: each wake-up for a single frame costs more than the frame. A pause stays far
// below the time after which Asterisk gives up a slow reader (websocket_write_timeout, at least
// MinWriteTimeout), and what comes in it fits into the kernel's buffer.
const (
	maxReadPause = 10 * time.Millisecond // on a connection that brings little
	minReadPause = time.Millisecond
	readBytes    = 64 << 10 // read at once, some hundred frames
)

// pacedConn is a connection that is read in pieces: what comes first at once, and then what has come
// in a pause. The more comes, the shorter the pause.
type pacedConn struct {
	net.Conn
	space  []byte
	unread []byte // part of space
	pause  time.Duration
	next   time.Time // when the connection is read again
}

func dialPaced(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: requestTimeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return newPacedConn(c), nil
}

func newPacedConn(c net.Conn) *pacedConn {
	return &pacedConn{Conn: c, space: make([]byte, readBytes), pause: maxReadPause}
}

// Read implements net.Conn.
func (c *pacedConn) Read(p []byte) (int, error) {
	if len(c.unread) == 0 {
		time.Sleep(time.Until(c.next))
		n, err := c.Conn.Read(c.space)
		if err != nil {
			return copy(p, c.space[:n]), err
		}
		c.unread = c.space[:n]
		c.setPause(n)
	}
	n := copy(p, c.unread)
	c.unread = c.unread[n:]
	return n, nil
}

// setPause sets when to read again, after so many bytes have come.
func (c *pacedConn) setPause(n int) {
	switch {
	case n >= readBytes/2:
		c.pause = max(c.pause/2, minReadPause)
	case n < readBytes/8:
		c.pause = min(c.pause*2, maxReadPause)
	}
	c.next = time.Time{}
	if n < readBytes { // else there is more
		c.next = time.Now().Add(c.pause)
	}
}

// CloseWrite closes the gateway's side.
func (c *pacedConn) CloseWrite() error { return closeWrite(c.Conn) }

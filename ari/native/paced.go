package native

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The rhythm of reading: each wake-up for a single frame costs more than the frame. So what has come is
// read in pieces, and each piece is handed over at once. A client that reads too slowly is cut off by
// Asterisk (websocket_write_timeout), but only when the kernel's buffers are full: muchBytes in them end
// a pause.
const (
	maxPause  = 100 * time.Millisecond
	deskPause = 10 * time.Millisecond // while a caller is at the front desk, and waits
	readBytes = 64 << 10              // read at once, some hundred frames
	muchBytes = 128 << 10             // less than a receive buffer grows to (tcp_rmem)
)

// pacedConn is a connection that is read in pieces, once it has a pace: what comes first at once, and
// then what has come in a pause.
type pacedConn struct {
	net.Conn
	space   []byte
	unread  []byte // part of space
	drained bool   // nothing more has come
	kept    bool   // something was read and not handed over
	raw     syscall.RawConn
	pace    *pace
	next    time.Time     // when the piece ends
	readAt  time.Duration // of the boot clock: what has been read had come by then
}

// pace is the rhythm of one connection, on the goroutine that reads.
type pace struct {
	pause    func() time.Duration // before the next piece
	handOver func()               // a piece has been read
}

func newPacedConn(c net.Conn) *pacedConn {
	p := &pacedConn{Conn: c, space: make([]byte, readBytes)}
	if tcp, ok := c.(*net.TCPConn); ok {
		p.raw, _ = tcp.SyscallConn() // it is there: the connection is open
	}
	return p
}

// Read implements net.Conn.
func (c *pacedConn) Read(p []byte) (int, error) {
	if len(c.unread) == 0 {
		if c.pace != nil && c.drained {
			c.rest()
		}
		n, err := c.Conn.Read(c.space)
		c.readAt = BootClock() // once a piece: it costs a system call
		if err != nil {
			return copy(p, c.space[:n]), err
		}
		c.unread, c.drained, c.kept = c.space[:n], n < readBytes || c.waiting() == 0, true
	}
	n := copy(p, c.unread)
	c.unread = c.unread[n:]
	return n, nil
}

// rest hands over a piece that has ended, and lets the next one come. It ends when the next one must be
// read, or when much has come. When nothing has come in a whole pause, the next byte is read at once.
func (c *pacedConn) rest() {
	for {
		if now := time.Now(); !now.Before(c.next) {
			c.pace.handOver()
			c.kept, c.next = false, now.Add(c.pace.pause())
		}
		if c.raw == nil {
			time.Sleep(time.Until(c.next))
			return
		}
		if c.waitForMuch() || c.waiting() > 0 || !c.kept {
			return
		}
	}
}

// waitForMuch waits until much has come, false: or until the piece ends.
func (c *pacedConn) waitForMuch() bool {
	if !c.next.After(time.Now()) {
		return false
	}
	c.wakeAt(muchBytes)
	defer c.wakeAt(1)
	if c.SetReadDeadline(c.next) != nil {
		return true // it is closed, as reading will tell
	}
	asked := false
	err := c.raw.Read(func(fd uintptr) bool {
		if asked {
			return true
		}
		asked = true
		return unreadBytes(fd) >= muchBytes // it came before anybody waited for it
	})
	return c.SetReadDeadline(time.Time{}) != nil || err == nil
}

// wakeAt sets how many bytes must have come before the kernel wakes the reader.
func (c *pacedConn) wakeAt(bytes int) {
	_ = c.raw.Control(func(fd uintptr) { // without it the reader wakes at the first byte, and reads more often
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, bytes)
	})
}

// waiting is how many bytes have come and were not read.
func (c *pacedConn) waiting() (n int) {
	if c.raw == nil {
		return 1 // perhaps
	}
	_ = c.raw.Control(func(fd uintptr) { n = unreadBytes(fd) }) // it is closed: there is nothing
	return n
}

func unreadBytes(fd uintptr) int {
	n, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}

// CloseWrite closes the gateway's side.
func (c *pacedConn) CloseWrite() error { return closeWrite(c.Conn) }

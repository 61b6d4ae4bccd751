package native

import (
	"net"
	"sync"
)

// limitListener bounds the connections that are open at once. Unlike x/net's it lets one side of a
// connection be closed.
type limitListener struct {
	net.Listener
	slots chan struct{}
}

func newLimitListener(l net.Listener, n int) *limitListener {
	return &limitListener{Listener: l, slots: make(chan struct{}, n)}
}

// Accept waits until fewer connections than the limit are open, then for one more.
func (l *limitListener) Accept() (net.Conn, error) {
	// Each connection frees its slot when it is closed; the server closes them all when it ends.
	l.slots <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{Conn: c, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

type limitedConn struct {
	net.Conn
	release func()
}

// Close closes the connection and frees its slot.
func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// CloseWrite closes the gateway's side.
func (c *limitedConn) CloseWrite() error { return closeWrite(c.Conn) }

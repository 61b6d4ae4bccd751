package native

import (
	"fmt"
	"net"
	"sync"
)

// slots is a listener that has at most as many connections open as it has slots. Unlike x/net's it lets one side of a connection be closed.
type slots struct {
	net.Listener
	free chan struct{}
}

func newSlots(l net.Listener, n int) *slots { return &slots{Listener: l, free: make(chan struct{}, n)} }

// Accept waits for a free slot, then for a connection.
func (s *slots) Accept() (net.Conn, error) {
	s.free <- struct{}{} // one is freed by each connection's end; the server closes them all when it ends
	c, err := s.Listener.Accept()
	if err != nil {
		<-s.free
		return nil, err
	}
	return &slot{Conn: c, release: sync.OnceFunc(func() { <-s.free })}, nil
}

type slot struct {
	net.Conn
	release func()
}

// Close closes the connection and frees its slot.
func (c *slot) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// CloseWrite ends our side.
func (c *slot) CloseWrite() error {
	tcp, ok := c.Conn.(*net.TCPConn)
	if !ok {
		return fmt.Errorf("a %T can't be closed on one side", c.Conn)
	}
	return tcp.CloseWrite()
}

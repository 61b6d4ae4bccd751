package native

import (
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
)

// strangers is a listener that bounds the connections of clients who have not shown the password.
// Beyond the bound the oldest of them is closed: whoever only connects keeps nobody out, and takes no
// room from those who know the password.
type strangers struct {
	net.Listener
	most int

	mu   sync.Mutex
	open []*stranger // the oldest first
}

func newStrangers(l net.Listener, most int) *strangers { return &strangers{Listener: l, most: most} }

// Accept implements net.Listener.
func (l *strangers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s := &stranger{pacedConn: newPacedConn(c), among: l}
	l.mu.Lock()
	l.open = append(l.open, s)
	var oldest *stranger
	if len(l.open) > l.most {
		oldest = l.open[0]
	}
	l.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close() // it is given up
	}
	return s, nil
}

// stranger is a connection that counts until it is known or closed.
type stranger struct {
	*pacedConn
	among *strangers
}

// known takes the connection out of the bound: its client has shown the password.
func (s *stranger) known() {
	l := s.among
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = slices.DeleteFunc(l.open, func(o *stranger) bool { return o == s })
}

// Close implements net.Conn.
func (s *stranger) Close() error {
	s.known()
	return s.pacedConn.Close()
}

// noLongerStrange takes a connection of the listener, perhaps within TLS, out of its bound.
func noLongerStrange(conn any) (*pacedConn, error) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	s, ok := conn.(*stranger)
	if !ok {
		return nil, errors.New("a connection that the listener did not accept")
	}
	s.known()
	return s.pacedConn, nil
}

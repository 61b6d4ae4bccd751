package lab

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// Link is the network between two processes: TCP, which can be cut. What is cut fails in one of two ways:
// each connection is reset at once, as where a host is gone, or nothing passes any more, as where a
// switch is.
type Link struct {
	listener net.Listener
	target   string
	done     sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	passes chan struct{} // closed while bytes may pass
	down   bool          // each new connection is reset
	cutAt  int           // the connections end after so many bytes towards the target; 0: never
}

// NewLink listens on loopback, and passes each connection to target.
func NewLink(target string) (*Link, error) {
	port, err := FreePort("tcp")
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	l := &Link{listener: listener, target: target, conns: map[net.Conn]bool{}, passes: open()}
	l.done.Add(1)
	go l.serve()
	return l, nil
}

func open() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// Address is where it listens.
func (l *Link) Address() string { return l.listener.Addr().String() }

// Port is that of Address.
func (l *Link) Port() int { return l.listener.Addr().(*net.TCPAddr).Port }

// Reset ends all connections, and each new one, until Heal.
func (l *Link) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	l.resetAll()
}

// Silence lets nothing pass until Heal. Connections stay.
func (l *Link) Silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.passes = make(chan struct{})
}

// CutAfter ends each connection, from now on, after so many bytes towards the target, until Heal.
func (l *Link) CutAfter(bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cutAt = bytes
}

// Heal ends all faults. Connections that were silent end: what they missed was not sent again.
func (l *Link) Heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down, l.cutAt = false, 0
	select {
	case <-l.passes:
	default:
		l.resetAll()
		close(l.passes)
	}
}

// Close ends it.
func (l *Link) Close() {
	_ = l.listener.Close() // its only user is serve
	l.Reset()
	l.Heal()
	l.done.Wait()
}

// resetAll is called with the lock held.
func (l *Link) resetAll() {
	for c := range l.conns {
		reset(c)
	}
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // on a closed one it fails
	}
	_ = c.Close() // already closed is fine
}

func (l *Link) serve() {
	defer l.done.Done()
	for {
		c, err := l.listener.Accept()
		if err != nil {
			return
		}
		if !l.add(c) {
			continue
		}
		l.done.Add(1)
		go l.connect(c)
	}
}

// add takes a connection, unless the link is down.
func (l *Link) add(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		reset(c)
		return false
	}
	l.conns[c] = true
	return true
}

func (l *Link) connect(c net.Conn) {
	defer l.done.Done()
	t, err := net.DialTimeout("tcp", l.target, time.Second)
	if err != nil || !l.add(t) {
		l.forget(c) // the target is down
		return
	}
	l.done.Add(2)
	go l.pass(t, c, true)
	go l.pass(c, t, false)
}

func (l *Link) forget(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		reset(c)
		delete(l.conns, c)
	}
}

// pass copies one direction, with the faults that are set.
func (l *Link) pass(to, from net.Conn, up bool) {
	defer l.done.Done()
	defer l.forget(to, from)
	buf := make([]byte, 32<<10)
	for passed := 0; ; {
		n, err := from.Read(buf)
		l.mu.Lock()
		passes, cut := l.passes, l.cutAt
		l.mu.Unlock()
		<-passes
		if up && cut > 0 {
			if passed+n >= cut {
				_, _ = to.Write(buf[:max(0, min(n, cut-passed))]) // what comes before the cut
				return
			}
			passed += n
		}
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

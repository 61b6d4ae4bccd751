package main

import (
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"time"
)

// proxy is the network between the gateway and the PBX. It can be made slow or broken.
type proxy struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	conns map[net.Conn]bool
	slow  time.Duration // mean delay of each kilobyte
	cut   int           // each connection ends after so many bytes towards the gateway; 0: never
	reset bool          // it ends by a reset, not an orderly close
	done  sync.WaitGroup
}

func newProxy(target string) (*proxy, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, target: u.Host, conns: map[net.Conn]bool{}}
	p.done.Add(1)
	go p.serve()
	return p, nil
}

func (p *proxy) url() string { return "http://" + p.listener.Addr().String() + "/ari" }

func (p *proxy) serve() {
	defer p.done.Done()
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		t, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = c.Close() // the PBX is down
			continue
		}
		p.mu.Lock()
		p.conns[c], p.conns[t] = true, true
		p.mu.Unlock()
		p.done.Add(2)
		go p.pass(t, c, false)
		go p.pass(c, t, true)
	}
}

// pass copies one direction, with the faults that are set.
func (p *proxy) pass(to, from net.Conn, down bool) {
	defer p.done.Done()
	defer p.forget(to, from)
	buf := make([]byte, 1024)
	passed := 0
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		slow, cut, reset := p.slow, p.cut, p.reset
		p.mu.Unlock()
		if slow > 0 {
			time.Sleep(time.Duration(rand.Int64N(int64(2 * slow)))) // the delay is the fault
		}
		if down && cut > 0 && passed+n >= cut {
			_, _ = to.Write(buf[:max(0, cut-passed)]) // the bytes before the cut
			if tcp, ok := to.(*net.TCPConn); ok && reset {
				_ = tcp.SetLinger(0)
			}
			return
		}
		passed += n
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

func (p *proxy) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // already closed is fine
		delete(p.conns, c)
	}
}

// degrade sets the network's faults; degrade(0, 0, false) ends them.
func (p *proxy) degrade(slow time.Duration, cut int, reset bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slow, p.cut, p.reset = slow, cut, reset
}

func (p *proxy) close() {
	_ = p.listener.Close() // its only user is serve
	p.mu.Lock()
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.done.Wait()
}

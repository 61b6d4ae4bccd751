//go:build live

package postgres_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// proxy stands between a meter and the server, and cuts connections.
type proxy struct {
	net.Listener
	to string

	mu    sync.Mutex
	open  map[net.Conn]bool
	left  int           // bytes to the server until all connections are cut; -1: no limit
	stuck chan struct{} // not nil: nothing passes until it closes
	cuts  int
}

func newProxy(t *testing.T, pg *lab.Postgres) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{
		Listener: l, to: fmt.Sprint("127.0.0.1:", pg.Port()), open: map[net.Conn]bool{}, left: -1,
	}
	var all sync.WaitGroup
	all.Go(func() { p.accept(&all) })
	t.Cleanup(func() {
		_ = l.Close() // it ends the test's own
		p.cut()
		all.Wait()
	})
	return p
}

// through is a connection string that goes through the proxy.
func (p *proxy) through(t *testing.T, dsn string, pg *lab.Postgres) string {
	t.Helper()
	_, port, err := net.SplitHostPort(p.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(dsn, fmt.Sprint("port=", pg.Port()), "port="+port, 1)
}

func (p *proxy) accept(all *sync.WaitGroup) {
	for {
		client, err := p.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.to)
		if err != nil {
			_ = client.Close() // as a server that is away
			continue
		}
		p.mu.Lock()
		p.open[client], p.open[server] = true, true
		p.mu.Unlock()
		all.Go(func() { p.pass(server, client, true) })
		all.Go(func() { p.pass(client, server, false) })
	}
}

// pass copies one direction until either end is gone.
func (p *proxy) pass(to, from net.Conn, counted bool) {
	defer func() { _ = errors.Join(to.Close(), from.Close()) }() // whatever they say: it is over
	buffer := make([]byte, 512)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !p.mayPass(n, counted) {
			return
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// mayPass waits while all is stuck, and cuts all connections where enough has passed.
func (p *proxy) mayPass(n int, counted bool) bool {
	p.mu.Lock()
	stuck := p.stuck
	p.mu.Unlock()
	if stuck != nil {
		<-stuck
	}
	if !counted {
		return true
	}
	p.mu.Lock()
	enough := p.left >= 0 && n > p.left
	if p.left >= 0 {
		p.left -= n
	}
	if enough {
		p.left = -1
	}
	p.mu.Unlock()
	if enough {
		p.cut()
	}
	return !enough
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cuts++
	for conn := range p.open {
		_ = conn.Close() // both ends notice
	}
	clear(p.open)
}

// cutAfter cuts all connections once so many bytes more went to the server; -1: never.
func (p *proxy) cutAfter(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = bytes
}

// stick lets nothing pass until the returned function is called.
func (p *proxy) stick() (release func()) {
	stuck := make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stuck = stuck
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.stuck = nil
		close(stuck)
	}
}

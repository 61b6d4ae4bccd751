package native

import (
	"net"
	"testing"
	"time"
)

// Connections beyond the limit wait until another is closed.
func TestLimitListenerBoundsTheConnections(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newLimitListener(inner, 2)
	accepted := make(chan net.Conn, 3)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	for range 3 {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close() //nolint:errcheck // the test's own end
	}
	first, second := <-accepted, <-accepted
	select {
	case <-accepted:
		t.Fatal("a third connection was accepted beside two, with a limit of two")
	case <-time.After(50 * time.Millisecond): // nothing comes: that is what is tested
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	_ = first.Close() // a second time frees no second slot
	third := <-accepted
	if err := third.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Errorf("one side cannot be closed: %v", err)
	}
	for _, c := range []net.Conn{second, third} {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := inner.Close(); err != nil {
		t.Fatal(err)
	}
	<-accepted
}

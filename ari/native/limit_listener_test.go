package native

import (
	"net"
	"testing"
	"time"
)

// More connections than slots wait until one is given back, however many knock.
func TestSlotsBoundTheConnections(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newSlots(inner, 2)
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
		t.Fatal("a third connection was accepted beside two in two slots")
	case <-time.After(50 * time.Millisecond): // nothing comes: the absence is what is looked at
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	_ = first.Close() // twice gives back one slot, not two
	third := <-accepted
	if err := third.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Errorf("one side can't be closed: %v", err)
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

package native

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/risposta/gateway/ari"
)

// countedConn counts the readings of a connection whose other side writes without waiting.
type countedConn struct {
	net.Conn
	reads   int
	waiting chan []byte
}

func (c *countedConn) Read(p []byte) (int, error) {
	first, ok := <-c.waiting
	if !ok {
		return 0, io.EOF
	}
	c.reads++
	n := copy(p, first)
	for n < len(p) {
		select {
		case more, ok := <-c.waiting:
			if !ok {
				return n, nil
			}
			n += copy(p[n:], more)
			continue
		default:
		}
		break
	}
	return n, nil
}

// Frames come one by one at a rate: no frame waits for more than the pause, every byte arrives, and
// there are far fewer readings than frames.
func TestASocketIsReadInPieces(t *testing.T) {
	frame := bytes.Repeat([]byte("f"), 1024) // pieces are whole frames
	for name, c := range map[string]struct {
		every    time.Duration
		frames   int
		maxReads int
	}{
		"a frame a second":    {time.Second, 20, 20},
		"800 frames a second": {1250 * time.Microsecond, 1600, 22 + 1600/64},
		"80,000 frames":       {12500 * time.Nanosecond, 80_000, 12 + 80_000/64},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				raw := &countedConn{waiting: make(chan []byte, c.frames)}
				conn, handed := newPacedConn(raw), 0
				conn.pace = &pace{
					pause: func() time.Duration { return maxPause }, handOver: func() { handed++ },
				}
				go func() {
					defer close(raw.waiting)
					for range c.frames {
						raw.waiting <- frame
						time.Sleep(c.every)
					}
				}()
				began, p, got := time.Now(), make([]byte, 4096), 0
				for {
					n, err := conn.Read(p)
					got += n
					if err != nil {
						break
					}
					// All but those of the last pause have been read.
					came := int(time.Since(began) / c.every)
					if late := came - got/len(frame); late > int(maxPause/c.every)+readBytes/len(frame) {
						t.Fatalf("after %s %d frames wait", time.Since(began), late)
					}
				}
				if got != c.frames*len(frame) {
					t.Errorf("%d bytes were read, want %d", got, c.frames*len(frame))
				}
				if most := int(time.Since(began)/maxPause) + 2; handed > most && c.every < maxPause {
					t.Errorf("it was handed over %d times, want at most %d", handed, most)
				}
				if raw.reads > c.maxReads {
					t.Errorf("%d readings for %d frames, want at most %d", raw.reads, c.frames, c.maxReads)
				}
			})
		})
	}
}

// A flood ends the pause, however long that is, before the kernel's buffers are full: nobody who writes
// waits for the reader. What comes alone is handed over at once.
func TestAFloodEndsThePause(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	to, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = to.Close() }()
	from, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn, handed := newPacedConn(from), make(chan struct{}, 1)
	conn.pace = &pace{
		pause: func() time.Duration { return time.Hour }, handOver: func() { handed <- struct{}{} },
	}
	const flood = 64 << 20
	read := make(chan int)
	go func() {
		n, p := 0, make([]byte, 4096)
		for {
			m, err := conn.Read(p)
			if n += m; err != nil {
				break
			}
		}
		read <- n
	}()
	write := func(n int) {
		t.Helper()
		if err := to.SetWriteDeadline(time.Now().Add(15 * time.Second)); err != nil {
			t.Fatal(err)
		}
		for block := make([]byte, 32<<10); n > 0; n -= len(block) {
			if _, err := to.Write(block[:min(n, len(block))]); err != nil {
				t.Fatalf("%d bytes before the end of the flood: %v", n, err)
			}
		}
	}
	write(1)
	select {
	case <-handed:
	case <-time.After(15 * time.Second):
		t.Fatal("the first byte was not handed over at once")
	}
	write(flood)
	if err := to.Close(); err != nil { // the end of the connection ends a pause, too
		t.Fatal(err)
	}
	if n := <-read; n != flood+1 {
		t.Errorf("%d bytes came, want %d", n, flood+1)
	}
	_ = from.Close()
}

// A caller at the front desk waits for what the events say: pieces are short until the caller has left.
func TestPiecesAreShortWhileACallerIsAtTheDesk(t *testing.T) {
	s := New(Config{ReadEvery: time.Second, Desk: func(ari.Event) {}}, ari.NewQueue(0), nil, nil)
	send := func(text string) {
		t.Helper()
		const rest = `,"timestamp":"2026-11-23T09:45:39.162+0000","channel":{"id":"c","name":"PJSIP/trunk-1"}}`
		if err := s.sync.deliver(ari.Frame{Raw: []byte(text + rest)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		frame string
		want  time.Duration
	}{
		{`{"type":"ChannelStateChange"`, maxPause}, {`{"type":"StasisStart"`, deskPause},
		{`{"type":"StasisStart"`, deskPause}, {`{"type":"StasisEnd"`, deskPause},
		{`{"type":"StasisEnd"`, maxPause}, {`{"type":"StasisEnd"`, maxPause},
	} {
		send(step.frame)
		if got := s.pause(); got != step.want {
			t.Errorf("after %s pieces come each %s, want %s", step.frame, got, step.want)
		}
	}
}

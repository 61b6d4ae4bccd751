package native

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/risposta/gateway/ari"
)

// wireFrames are a recorded call's frames as a server writes them to a WebSocket.
func wireFrames(b *testing.B) (wire []byte, frames int) {
	b.Helper()
	text, err := os.ReadFile("../../integration/testdata/traces/early-media/ari.jsonl")
	if err != nil {
		b.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		const finalText, twoBytesOfLength = 0x81, 126
		wire = append(wire, finalText, twoBytesOfLength)
		wire = binary.BigEndian.AppendUint16(wire, uint16(len(line)))
		wire = append(wire, line...)
		frames++
	}
	return wire, frames
}

// From the socket to the queue: frames are read off a WebSocket, decoded and handed over.
func BenchmarkRead(b *testing.B) {
	wire, frames := wireFrames(b)
	raw := make(chan net.Conn, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			b.Error(err)
			return
		}
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"+
			"Connection: Upgrade\r\nSec-WebSocket-Protocol: ari\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			base64.StdEncoding.EncodeToString(sum[:]))
		if err := rw.Flush(); err != nil {
			b.Error(err)
		}
		raw <- conn
	}))
	defer server.Close()
	cfg := Config{URL: server.URL, Application: "bench"}
	var paced *pacedConn
	conn, err := dial(b.Context(), cfg, newClient(cfg, dialPaced(&paced)), allEvents)
	if err != nil {
		b.Fatal(err)
	}
	s := newSynchronizer(nil, ari.NewQueue(0), nil, nil)
	s.state = synced
	s.keepFrames(true)
	paced.pace = &pace{func() time.Duration { return maxPause }, s.queue.HandOver}
	read := make(chan error, 1)
	ctx, cancel := context.WithCancel(b.Context())
	left, done := b.N, make(chan struct{})
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		read <- readAll(ctx, conn, s, &left, done)
	}()
	from := <-raw
	for sent := 0; sent < b.N; sent += frames {
		if _, err := from.Write(wire); err != nil {
			b.Fatal(err)
		}
	}
	<-done
	b.StopTimer()
	cancel()
	if err := <-read; !errors.Is(err, context.Canceled) {
		b.Error(err)
	}
	if err := from.Close(); err != nil {
		b.Error(err)
	}
}

// readAll reads as a session does, and closes done behind the last frame.
func readAll(
	ctx context.Context, conn *websocket.Conn, s *synchronizer, left *int, done chan<- struct{},
) error {
	return read(ctx, conn, func(f ari.Frame) error {
		if *left--; *left == 0 {
			close(done)
		}
		if s.queue.Len() >= ari.QueueBatch {
			s.queue.Take(ari.QueueBatch)
		}
		return s.deliver(f)
	})
}

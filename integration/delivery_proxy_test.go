//go:build live

package integration

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// message is one message of a protocol as it goes over a connection. "" has no name: it is no step.
type message struct {
	name  string
	bytes []byte
}

// protocol reads the next message of one direction. first: it is the connection's first one.
type protocol func(r *bufio.Reader, toServer, first bool) (message, error)

// stepProxy stands between a gateway and a server, and names each message before it hands it on.
func stepProxy(t *testing.T, server string, s *steps, read protocol) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return // the test has ended
			}
			behind, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			both := func() { _, _ = client.Close(), behind.Close() }
			all.Go(func() { defer both(); passMessages(s, client, behind, true, read) })
			all.Go(func() { defer both(); passMessages(s, behind, client, false, read) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

// passMessages hands messages on until the connection ends, or the gateway does.
func passMessages(s *steps, from io.Reader, to io.Writer, toServer bool, read protocol) {
	in := bufio.NewReader(from)
	for first := true; ; first = false {
		m, err := read(in, toServer, first)
		if err != nil {
			return
		}
		if m.name != "" {
			sender := map[bool]string{true: "gateway sends ", false: "server sends "}[toServer]
			if s.atSink(sender + m.name) {
				return
			}
		}
		if _, err := to.Write(m.bytes); err != nil {
			return
		}
	}
}

// The messages of PostgreSQL that are steps (protocol 3.0, message formats), by direction.
var pgMessages = map[bool]map[byte]string{
	true:  {'Q': "query", 'P': "parse", 'B': "bind", 'E': "execute", 'S': "sync"},
	false: {'1': "parsed", '2': "bound", 'C': "complete", 'E': "error", 'Z': "ready"},
}

// readPG reads a message of PostgreSQL: its type, its length, its content. The first of a client has no
// type.
func readPG(r *bufio.Reader, toServer, first bool) (m message, err error) {
	head := 5
	if toServer && first {
		head = 4
	}
	start := make([]byte, head)
	if _, err := io.ReadFull(r, start); err != nil {
		return m, err
	}
	const most = 64 << 20
	n := binary.BigEndian.Uint32(start[head-4:])
	if n < 4 || n > most {
		return m, fmt.Errorf("a message of %d bytes", n)
	}
	rest := make([]byte, n-4)
	if _, err := io.ReadFull(r, rest); err != nil {
		return m, err
	}
	m.bytes = append(start, rest...)
	if head == 4 {
		m.name = "startup"
		return m, nil
	}
	m.name = pgMessages[toServer][start[0]]
	if m.name == "query" || m.name == "complete" {
		word, _, _ := strings.Cut(strings.TrimRight(string(rest), "\x00"), " ")
		m.name += " " + strings.ToLower(word)
	}
	return m, nil
}

// readNATS reads a message of NATS: a line, and for some the bytes whose number stands at its end.
func readNATS(r *bufio.Reader, _, _ bool) (m message, err error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return m, err
	}
	words := strings.Fields(string(line))
	if len(words) == 0 {
		return m, errors.New("an empty line")
	}
	m = message{name: words[0], bytes: line}
	switch m.name {
	case "PUB", "HPUB", "MSG", "HMSG":
		n, err := strconv.Atoi(words[len(words)-1])
		if err != nil {
			return m, err
		}
		rest := make([]byte, n+len("\r\n"))
		if _, err := io.ReadFull(r, rest); err != nil {
			return m, err
		}
		m.bytes = append(m.bytes, rest...)
	}
	return m, nil
}

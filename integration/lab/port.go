package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
)

// Ports are given out below those that the kernel gives out by itself (32768 and up), each once in the life of the process, from a place that is another in
// each process: phones, PBXs and their audio never meet on one.
const (
	firstPort  = 10000
	portEnd    = 20000
	portStep   = 4 // a phone's audio takes its port and the ones behind it
	firstAudio = 20000
	audioEnd   = 32000
	audioStep  = 400 // the ports of one Asterisk's audio
)

// turn goes round a range of ports, step by step.
type turn struct {
	n     atomic.Int64
	start int
}

func (t *turn) next(first, end, step int) int {
	slots := (end - first) / step
	return first + (t.start+int(t.n.Add(1)))%slots*step
}

var (
	ports = turn{start: rand.IntN(portEnd)}
	audio = turn{start: rand.IntN(audioEnd)}
)

// FreePort finds a loopback port that nobody uses at present, and that is given to nobody else.
func FreePort(network string) (int, error) {
	for range (portEnd - firstPort) / portStep {
		if port := ports.next(firstPort, portEnd, portStep); free(network, port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free %s port from %d to %d", network, firstPort, portEnd)
}

func free(network string, port int) bool {
	at := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if network == "udp" {
		c, err := net.ListenPacket("udp", at)
		return err == nil && c.Close() == nil
	}
	l, err := net.Listen("tcp", at)
	return err == nil && l.Close() == nil
}

// audioPorts finds the first of a PBX's ports for audio.
func audioPorts() (int, error) {
	for range (audioEnd - firstAudio) / audioStep {
		if port := audio.next(firstAudio, audioEnd, audioStep); free("udp", port) {
			return port, nil
		}
	}
	return 0, errors.New("no free ports for audio")
}

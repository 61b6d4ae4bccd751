package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
)

// Ports come from below the kernel's own range (32768 and up). A process uses each at most once,
// and starts at a random one, so that phones, PBXs and their audio do not collide.
const (
	firstPort  = 10000
	portEnd    = 20000
	portStep   = 4 // a phone's audio takes its port and the ones behind it
	firstAudio = 20000
	audioEnd   = 32000
	audioStep  = 400 // the ports of one Asterisk's audio
)

// turn goes through a range of ports, step by step, and starts again at its end.
type turn struct {
	n     atomic.Int64
	start int
}

func (t *turn) next(first, end, step int) int {
	count := (end - first) / step
	return first + (t.start+int(t.n.Add(1)))%count*step
}

var (
	ports = turn{start: rand.IntN(portEnd)}
	audio = turn{start: rand.IntN(audioEnd)}
)

// FreePort returns a loopback port that is free, and does not return it again.
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

// AudioPorts returns the first of a PBX's audio ports.
func AudioPorts() (int, error) {
	for range (audioEnd - firstAudio) / audioStep {
		if port := audio.next(firstAudio, audioEnd, audioStep); free("udp", port) {
			return port, nil
		}
	}
	return 0, errors.New("no free ports for audio")
}

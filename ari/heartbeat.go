package ari

import (
	"strconv"
	"strings"
)

// heartbeatPrefix begins the names of the user events that the gateway has the PBX send back.
const heartbeatPrefix = "risposta.heartbeat."

// HeartbeatName is the name of the user event that is the nth heartbeat.
func HeartbeatName(n uint64) string { return heartbeatPrefix + strconv.FormatUint(n, 10) }

// HeartbeatNumber reads the number out of the name; ok is false for any other user event.
func HeartbeatNumber(name string) (n uint64, ok bool) {
	digits, ok := strings.CutPrefix(name, heartbeatPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil
}

package cluster

import (
	"fmt"
	"strings"
)

// prefix begins the subjects of taps and meters. It is not Asterisk's own `ari.>`, where other programs
// send commands: no stream may take those.
const prefix = "risposta."

// AllSubjects is what the stream takes: the frames of every node.
const AllSubjects = prefix + "frames.*"

// Subject is where the frames of a node are sent.
func Subject(node string) string { return prefix + "frames." + token(node) }

// PassedSubject is where a meter tells the tap of a node how far its checkpoint is.
func PassedSubject(node string) string { return prefix + "passed." + token(node) }

// ResendSubject is where the tap of a node is asked for frames that are missing.
func ResendSubject(node string) string { return prefix + "resend." + token(node) }

// AskSubject is where the tap of a node is asked for a snapshot, or what no event tells.
func AskSubject(node string) string { return prefix + "ask." + token(node) }

// token is the name of a node as a part of a subject: what may not stand there is written as % and two
// hexadecimal digits.
func token(node string) string {
	var b strings.Builder
	for _, c := range []byte(node) {
		if c > ' ' && c < 0x7f && !strings.ContainsRune(".*>%", rune(c)) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

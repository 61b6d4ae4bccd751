package cluster

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
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

// Nodes are those of which the stream has frames, in order.
func Nodes(ctx context.Context, js jetstream.JetStream, stream string) ([]string, error) {
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("looking for the stream %s: %w", stream, withoutAddress(err))
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(AllSubjects))
	if err != nil {
		return nil, fmt.Errorf("asking which nodes the stream %s has: %w", stream, withoutAddress(err))
	}
	var nodes []string
	for subject := range info.State.Subjects {
		node, err := url.PathUnescape(strings.TrimPrefix(subject, prefix+"frames."))
		if err != nil {
			return nil, fmt.Errorf("the stream %s has frames of %q, which is no node: %w", stream, subject, err)
		}
		nodes = append(nodes, node)
	}
	slices.Sort(nodes)
	return nodes, nil
}

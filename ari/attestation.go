package ari

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/risposta/gateway/metering"
)

const (
	// verifyTimeout is more than Asterisk takes to fetch a certificate (curl_timeout: 2 s).
	verifyTimeout = 4 * time.Second
	verifyPause   = 50 * time.Millisecond
	// maxSignatures bounds the signatures of one call that are read: carriers add one or two.
	maxSignatures = 4
	// The verify_result of STIR_SHAKEN() (docs/asterisk.md, "Who vouches for a number").
	verified    = "success"
	notSigned   = "missing_identity_hdr"
	attestation = "attestation"
)

// SignatureReader asks a PBX about one channel.
type SignatureReader struct {
	// RunningApp returns the application that the channel runs; "" where that is not known.
	RunningApp func(ctx context.Context) string
	// Variable reads a variable or function. It fails where the PBX does not know it.
	Variable func(ctx context.Context, name string) (string, error)
}

// ReadAttestation does what [Control.Attestation] promises. A channel is there before Asterisk has
// fetched the certificate that its signature names, and runs no application until the signature is
// verified.
func ReadAttestation(ctx context.Context, r SignatureReader) metering.Attestation {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	for r.RunningApp(ctx) == "" {
		select {
		case <-ctx.Done():
			return metering.AttestationUnknown
		case <-time.After(verifyPause):
		}
	}
	return r.signatures(ctx)
}

// signatures reads what the PBX says of the signatures of a call.
func (r SignatureReader) signatures(ctx context.Context) metering.Attestation {
	read := func(arguments string) (string, error) {
		return r.Variable(ctx, "STIR_SHAKEN("+arguments+")")
	}
	text, err := read("count")
	count, malformed := strconv.Atoi(text)
	if err != nil || malformed != nil || count < 0 {
		return metering.AttestationUnknown
	}
	best := metering.AttestationNone
	for i := range min(count, maxSignatures) {
		result, err := read(fmt.Sprintf("%d,verify_result", i))
		if err != nil {
			return metering.AttestationUnknown
		}
		level := metering.AttestationFailed
		switch result {
		case notSigned:
			continue
		case verified:
			text, err := read(fmt.Sprintf("%d,%s", i, attestation))
			known := false
			if level, known = metering.ParseAttestation(text); err != nil || !known ||
				level == metering.AttestationUnknown {
				return metering.AttestationUnknown
			}
		}
		best = better(best, level)
	}
	return best
}

// strength orders what signatures say: one that vouches counts, whatever the others say.
var strength = map[metering.Attestation]int{
	metering.AttestedFull: 4, metering.AttestedPartly: 3, metering.AttestedGateway: 2,
	metering.AttestationFailed: 1,
}

func better(a, b metering.Attestation) metering.Attestation {
	if strength[b] > strength[a] {
		return b
	}
	return a
}

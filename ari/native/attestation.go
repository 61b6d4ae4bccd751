package native

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/risposta/gateway/ari"
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

// Attestation implements ari.Control. A channel is there before Asterisk has fetched the certificate
// that its signature names, and runs no application until the signature is verified.
func (c *Control) Attestation(ctx context.Context, ch ari.ChannelID) metering.Attestation {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	for c.rest.runningApp(ctx, ch) == "" {
		select {
		case <-ctx.Done():
			return metering.AttestationUnknown
		case <-time.After(verifyPause):
		}
	}
	return c.signatures(ctx, ch)
}

// signatures reads what the PBX says of the signatures of a call.
func (c *Control) signatures(ctx context.Context, ch ari.ChannelID) metering.Attestation {
	read := func(arguments string) (string, bool) {
		return c.rest.variable(ctx, ch, "STIR_SHAKEN("+arguments+")")
	}
	text, ok := read("count")
	count, err := strconv.Atoi(text)
	if !ok || err != nil || count < 0 {
		return metering.AttestationUnknown
	}
	best := metering.AttestationNone
	for i := range min(count, maxSignatures) {
		result, ok := read(fmt.Sprintf("%d,verify_result", i))
		if !ok {
			return metering.AttestationUnknown
		}
		level := metering.AttestationFailed
		switch result {
		case notSigned:
			continue
		case verified:
			text, _ := read(fmt.Sprintf("%d,%s", i, attestation))
			if level, ok = metering.ParseAttestation(text); !ok || level == metering.AttestationUnknown {
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

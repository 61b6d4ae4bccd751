package lookups

import (
	"context"
	"errors"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

// ByNumber asks whether a caller is exempt by number, and who vouches for the number.
type ByNumber struct {
	Lookup exemption.Lookup
	Trust  config.Trust
	// Signed is who vouches for the number of a channel by a signature; unknown where the PBX does not
	// answer. Nil: there is no PBX to ask.
	Signed func(ctx context.Context, ch ari.ChannelID) metering.Attestation
}

// errNotAttested: nobody is exempt or not by a number before it is known who vouches for it.
var errNotAttested = errors.New("the PBX does not say who vouches for the number, and " +
	"exemption.by_number is " + config.NumberTrusted)

// Exempt returns an answer that has the attestation, also beside an error. A number that is not
// trusted is never looked up.
func (l ByNumber) Exempt(
	ctx context.Context, q mediation.Ask,
) (e metering.Exemption, err error) {
	if !q.Number.Withheld() {
		e.Attestation = l.attestation(ctx, q)
		switch {
		case !l.Trust.TrustedOnly || e.Attestation.Vouches():
		case e.Attestation == metering.AttestationUnknown:
			return e, errNotAttested
		default:
			e.Verdict, e.Untrusted = metering.ExemptNo, true
			return e, nil
		}
	}
	got, err := l.Lookup.Exempt(ctx, q.Number, q.At)
	e.Verdict, e.Ref = got.Verdict, got.Ref
	return e, err
}

// attestation is who vouches for the number of a call.
func (l ByNumber) attestation(ctx context.Context, q mediation.Ask) metering.Attestation {
	switch l.Trust.By(q.Trunk) {
	case config.ByTrunk:
		return metering.AttestedByTrunk
	case config.BySTIRSHAKEN:
		if l.Signed == nil {
			return metering.AttestationUnknown
		}
		return l.Signed(ctx, ari.ChannelID(q.Call))
	default:
		return metering.AttestationNone
	}
}

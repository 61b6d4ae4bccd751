package lookups_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

// knowsEverybody answers yes about every number, and counts the questions.
type knowsEverybody struct{ asked *int }

func (k knowsEverybody) Exempt(
	_ context.Context, n metering.Number, _ time.Time,
) (exemption.Answer, error) {
	*k.asked++
	if n.Withheld() {
		return exemption.Answer{}, nil
	}
	return exemption.Answer{
		Exemption: metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-1"},
	}, nil
}

// A number that nobody vouches for exempts nobody where only trusted numbers do, and is not even
// looked up. What is not known is not taken for a no.
func TestWhoseNumberExempts(t *testing.T) {
	const yes, no, unknown = metering.ExemptYes, metering.ExemptNo, metering.ExemptUnknown
	conf := config.Config{Callers: config.Callers{Attestation: []config.Attestation{
		{Endpoints: []string{"PJSIP/carrier*", "DAHDI/i1/*"}, By: config.ByTrunk},
		{Endpoints: []string{"PJSIP/signed"}, By: config.BySTIRSHAKEN},
	}}}
	type want struct {
		any, trusted metering.Verdict
		attestation  metering.Attestation
	}
	for name, c := range map[string]struct {
		trunk    string
		signed   metering.Attestation
		withheld bool
		want     want
	}{
		"the carrier vouches":      {trunk: "PJSIP/carrier2", want: want{yes, yes, metering.AttestedByTrunk}},
		"an ISDN line":             {trunk: "DAHDI/i1", want: want{yes, yes, metering.AttestedByTrunk}},
		"another line":             {trunk: "DAHDI/i12", want: want{yes, no, metering.AttestationNone}},
		"nobody vouches":           {trunk: "PJSIP/other", want: want{yes, no, metering.AttestationNone}},
		"signed: A":                {trunk: "PJSIP/signed", signed: "A", want: want{yes, yes, "A"}},
		"signed: B":                {trunk: "PJSIP/signed", signed: "B", want: want{yes, no, "B"}},
		"signed: C":                {trunk: "PJSIP/signed", signed: "C", want: want{yes, no, "C"}},
		"a bad signature":          {trunk: "PJSIP/signed", signed: "failed", want: want{yes, no, "failed"}},
		"not signed":               {trunk: "PJSIP/signed", signed: "none", want: want{yes, no, "none"}},
		"the PBX does not say":     {trunk: "PJSIP/signed", want: want{yes, unknown, ""}},
		"withheld, on a good line": {trunk: "PJSIP/carrier", withheld: true, want: want{unknown, unknown, ""}},
	} {
		for _, trustedOnly := range []bool{false, true} {
			asked := 0
			trust := conf.Trust()
			trust.TrustedOnly = trustedOnly
			l := lookups.ByNumber{
				Lookup: knowsEverybody{&asked}, Trust: trust,
				Signed: func(_ context.Context, ch ari.ChannelID) metering.Attestation {
					if ch != "call-1" {
						t.Errorf("%s: asked about channel %q", name, ch)
					}
					return c.signed
				},
			}
			q := mediation.Ask{Call: "call-1", Trunk: c.trunk}
			if !c.withheld {
				q.Number = metering.NewNumber("+390612345678")
			}
			got, err := l.Exempt(t.Context(), q)
			verdict := c.want.any
			if trustedOnly {
				verdict = c.want.trusted
			}
			want := metering.Exemption{
				Verdict: verdict, Attestation: c.want.attestation, Untrusted: verdict == no,
			}
			if verdict == yes {
				want.Ref = "e-1"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, trusted only: %v: %s", name, trustedOnly, diff)
			}
			unanswered := verdict == unknown && !c.withheld
			if (err != nil) != unanswered || (asked == 0) != (unanswered || verdict == no) {
				t.Errorf("%s, trusted only: %v: %v after %d questions", name, trustedOnly, err, asked)
			}
		}
	}
}

// The attestation is kept where the lookup fails: the call is pending, and is not asked about anew.
func TestAttestationOfACallWhoseLookupFails(t *testing.T) {
	down := errors.New("down")
	l := lookups.ByNumber{Lookup: failing{down}}
	got, err := l.Exempt(t.Context(), mediation.Ask{Number: metering.NewNumber("+390612345678")})
	want := metering.Exemption{Attestation: metering.AttestationNone}
	if !errors.Is(err, down) || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

type failing struct{ err error }

func (f failing) Exempt(context.Context, metering.Number, time.Time) (exemption.Answer, error) {
	return exemption.Answer{}, f.err
}

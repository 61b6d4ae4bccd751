package gateway

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/ledger"
)

// lookupFake answers as its function does.
type lookupFake func(metering.Number) (exemption.Answer, error)

func (f lookupFake) Exempt(
	_ context.Context, n metering.Number, _ time.Time,
) (exemption.Answer, error) {
	return f(n)
}

func priced() frontdesk.Offer {
	return frontdesk.Offer{Tariff: standard.Ref(), PerMinute: "0.96", Currency: "EUR", MinorDigits: 2}
}

// A caller who arrived in a former run comes to the front desk in this one: it knows the call at
// once, whatever is known of its caller, and whether the run resumes or starts with a gap.
func TestTheFrontDeskKnowsTheCallsOfBeforeARestart(t *testing.T) {
	yes := metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-1"}
	vouched := yes
	vouched.Attestation = metering.AttestedByTrunk
	trusting := trust("PJSIP/trunk")
	untold := priced()
	untold.Untold = true
	no := metering.Exemption{Verdict: metering.ExemptNo}
	answers := map[string]lookupFake{
		"no": func(metering.Number) (exemption.Answer, error) {
			return exemption.Answer{Exemption: no}, nil
		},
		"fails": func(metering.Number) (exemption.Answer, error) {
			return exemption.Answer{}, errors.New("down")
		},
		"yes, to a number": func(n metering.Number) (exemption.Answer, error) {
			if n.Withheld() {
				return exemption.Answer{}, nil
			}
			return exemption.Answer{Exemption: yes}, nil
		},
	}
	for name, c := range map[string]struct {
		answered metering.Exemption // in the former run
		encrypt  string             // UPDATE of the number in the ledger
		lookup   string
		trust    config.Trust
		want     frontdesk.Offer
	}{
		"not exempt, as is known": {answered: no, lookup: "no", want: priced()},
		"exempt, as is known": {
			answered: vouched, lookup: "fails", trust: trusting, want: frontdesk.Offer{Free: true},
		},
		"exempt, as is not known yet": {
			lookup: "yes, to a number", trust: trusting, want: frontdesk.Offer{Free: true},
		},
		"exempt, as is known, by a number that anybody may have sent": {
			answered: yes, lookup: "fails", want: untold,
		},
		"exempt, as is not known yet, by a number that anybody may have sent": {
			lookup: "yes, to a number", want: untold,
		},
		"no answer": {lookup: "fails", want: priced()},
		"the number cannot be decrypted, and the channel is withheld": {
			encrypt: `x'00'`, lookup: "yes, to a number", trust: trusting, want: priced(),
		},
		"the ledger has no number": {
			encrypt: `NULL`, lookup: "yes, to a number", trust: trusting, want: priced(),
		},
	} {
		for _, resumes := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "ledger.db")
				arrivedBefore(t, path, c.answered)
				if c.encrypt != "" {
					change(t, path, `UPDATE open_call SET encrypted_caller = `+c.encrypt)
				}
				w := sourceless(t, path, zap.NewNop())
				lookup := lookups.ByNumber{Lookup: answers[c.lookup], Trust: c.trust}
				w.asker.lookup, w.deskBackend.lookup = lookup, lookup
				if resumes {
					if _, err := w.takePosition(t.Context(), "pbx"); err != nil {
						t.Fatal(err)
					}
					w.queue.Put(ari.Frame{Event: &ari.Event{
						Kind: ari.Resumed, At: at(20), Node: "pbx", Snapshot: snapshot(20, "c"),
					}})
				} else {
					w.queue.Put(synced(snapshot(20, "c")))
				}
				w.works(t)
				defer w.asker.wait()
				ctx, cancel := context.WithCancel(t.Context())
				cancel() // an unknown call is not waited for
				if got, ok := w.deskBackend.Offer(ctx, "c"); !ok || got != c.want {
					t.Errorf("resumes: %v: %+v, %v; want %+v", resumes, got, ok, c.want)
				}
			})
		}
	}
}

// trust is a configuration in which the carrier of a trunk vouches for its numbers.
func trust(trunk string) config.Trust {
	c := config.Config{Callers: config.Callers{
		Attestation: []config.Attestation{{Endpoints: []string{trunk}, By: config.ByTrunk}},
	}}
	return c.Trust()
}

// arrivedBefore is a run in which a caller arrives, and is stopped.
func arrivedBefore(t *testing.T, path string, answered metering.Exemption) {
	t.Helper()
	l, err := ledger.Open(t.Context(), path, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	w := workerOn(t, l, "pbx", zap.NewNop())
	var out mediation.Output
	rules := trunkRules(t, w.pseudonyms)
	rules.AskExemption = true
	w.mediator = mediation.New(rules)
	c := callerOf("c")
	c.Caller = metering.NewNumber("+390612345678")
	w.mediator.Step(ari.Event{Kind: ari.ChannelCreated, At: at(1), Node: "pbx", Channel: c}, &out)
	if answered.Verdict != metering.ExemptUnknown {
		w.mediator.Answer("c", answered, &out)
	}
	out.Asks = nil // nobody is asked in this run
	w.mediator.SetWatermark(at(2))
	out.Watermark = at(2)
	w.saveCheckpoint(ari.Position(`{}`), &out)
	if err := errors.Join(w.finish(t.Context(), &out), l.Close()); err != nil {
		t.Fatal(err)
	}
}

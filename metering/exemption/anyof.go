package exemption

import (
	"context"
	"errors"
	"time"

	"github.com/risposta/gateway/metering"
)

// AnyOf asks several lookups at once: one yes is yes; no is only what all of them say; anything else is unknown.
type AnyOf []Lookup

// Exempt implements Lookup. A yes is given as soon as it comes; an error only where nobody says yes.
func (a AnyOf) Exempt(ctx context.Context, number metering.Number, at time.Time) (Answer, error) {
	if len(a) == 1 {
		return a[0].Exempt(ctx, number, at)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // those that have not answered need not any more
	type result struct {
		Answer
		err error
	}
	results := make(chan result, len(a)) // room for all: nobody waits to be heard
	for _, l := range a {
		go func() {
			got, err := l.Exempt(ctx, number, at)
			results <- result{got, err}
		}()
	}
	all := Answer{Exemption: metering.Exemption{Verdict: metering.ExemptNo}}
	var errs []error
	for range a {
		r := <-results
		switch {
		case r.err != nil:
			errs = append(errs, r.err)
		case r.Verdict == metering.ExemptYes:
			return r.Answer, nil
		case r.Verdict == metering.ExemptUnknown:
			all.Verdict = metering.ExemptUnknown
		}
		if u := r.Until; !u.IsZero() && (all.Until.IsZero() || u.Before(all.Until)) {
			all.Until = u
		}
	}
	if len(errs) > 0 {
		return Answer{}, errors.Join(errs...)
	}
	return all, nil
}

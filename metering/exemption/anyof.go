package exemption

import (
	"context"
	"errors"
	"time"

	"github.com/risposta/gateway/metering"
)

// AnyOf asks several lookups at once, each about every reading of the number. One yes is enough. No
// needs the no of each lookup about each reading. Anything else is unknown.
type AnyOf []Lookup

// Exempt implements [Lookup]. It returns a yes as soon as it comes, and errors only without a yes.
func (a AnyOf) Exempt(ctx context.Context, number metering.Number, at time.Time) (Answer, error) {
	readings := number.Readings()
	if number.Withheld() {
		readings = []metering.Number{number}
	}
	if len(a) == 1 && len(readings) == 1 {
		return a[0].Exempt(ctx, number, at)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // the other lookups need not answer after a yes
	type result struct {
		Answer
		err error
	}
	questions := len(a) * len(readings)
	results := make(chan result, questions) // room for all, so that no lookup blocks
	for _, l := range a {
		for _, reading := range readings {
			go func() {
				got, err := l.Exempt(ctx, reading, at)
				results <- result{got, err}
			}()
		}
	}
	all := Answer{Exemption: metering.Exemption{Verdict: metering.ExemptNo}}
	var errs []error
	for i := range questions {
		r := <-results
		switch {
		case r.err != nil:
			errs = append(errs, r.err)
		case r.Verdict == metering.ExemptYes:
			return r.Answer, nil
		case r.Verdict == metering.ExemptUnknown:
			all.Verdict = metering.ExemptUnknown
		}
		if i == 0 || r.Until.Before(all.Until) { // zero, which is before all others: not known
			all.Until = r.Until
		}
	}
	if len(errs) > 0 {
		return Answer{}, errors.Join(errs...)
	}
	return all, nil
}

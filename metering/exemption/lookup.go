// Package exemption asks whether a caller is exempt from any charge.
//
// In: a number, or a code that the caller typed, and an instant. Out: yes, no, or unknown; an opaque reference; how long the answer holds; never a
// category, never a reason. Whoever cannot be asked in time counts as unknown, and unknown is never charged. The package never holds up a call: the
// gateway asks when the call arrives and goes on.
//
// What answers is named after what it wraps: registry/ (ours, the default), csv/, sql/, http/. Guard puts a deadline, a cache and a breaker around
// one of them, AnyOf asks several.
package exemption

import (
	"context"
	"time"

	"github.com/risposta/gateway/metering"
)

// Answer is what a lookup says of a caller. Until, where not zero, is the first instant of the call's clock for which the same question may have another
// answer: the end of an entitlement, or the beginning of the next one.
type Answer struct {
	metering.Exemption
	Until time.Time
}

// Lookup says whether the caller with this number is exempt as of an instant.
//
// Contract: it honours the deadline of ctx and may be called by many goroutines at once. Unknown with a nil error means that
// the register cannot tell, as for a withheld number; an error means that it could not be asked. The caller of Lookup does
// not retry. Errors carry no number.
type Lookup interface {
	Exempt(ctx context.Context, number metering.Number, at time.Time) (Answer, error)
}

// Codes says whether an exemption code, which somebody who calls from another's phone types, is valid as of an instant. The contract is Lookup's;
// errors carry no code.
type Codes interface {
	ExemptCode(ctx context.Context, code string, at time.Time) (Answer, error)
}

// Package exemption asks whether a caller is exempt from any charge.
//
// In: a number, or a code that the caller typed, and an instant. Out: an [Answer]: yes, no or
// unknown, an opaque reference, and how long the answer holds; never a category, never a reason. A
// lookup that does not answer in time counts as unknown, and unknown is never charged. The package
// never delays a call: the gateway asks when the call arrives, and does not wait for the answer.
//
// Each [Lookup] is named after what it wraps: registry/ (the gateway's own register, the default),
// csv/, sql/, http/. [Guard] puts a deadline, a cache and a circuit breaker around one of them.
// [AnyOf] asks several.
package exemption

import (
	"context"
	"time"

	"github.com/risposta/gateway/metering"
)

// Answer is a lookup's answer about a caller.
type Answer struct {
	metering.Exemption
	// Until is the first instant, by the PBX's clock, for which the same question may have another
	// answer: the end of this entitlement, or the beginning of the next one. Zero: not known, so that
	// the answer holds for the instant that was asked about, and for no other.
	Until time.Time
}

// Lookup answers whether the caller with a number is exempt as of an instant.
//
// Contract: it keeps to the deadline of ctx, and may be called by many goroutines at once. Unknown
// with a nil error means that the register cannot tell, as for a withheld number. An error means
// that it could not be asked; its text contains no number. The caller of a Lookup does not retry.
// The number has one reading; [AnyOf] takes one that has several.
type Lookup interface {
	Exempt(ctx context.Context, number metering.Number, at time.Time) (Answer, error)
}

// Codes answers whether an exemption code is valid as of an instant. Exempt callers type their code
// on a telephone that is not their own. The contract is that of [Lookup]; the text of an error
// contains no code.
type Codes interface {
	ExemptCode(ctx context.Context, code string, at time.Time) (Answer, error)
}

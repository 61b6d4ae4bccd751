// Package exemption asks whether a caller is exempt from any charge.
//
// In: a number and an instant. Out: yes, no, or unknown; an opaque reference; never a category, never a reason. Whoever cannot be
// asked in time counts as unknown, and unknown is never charged. The package never holds up a call: the gateway asks when the
// call arrives and goes on.
//
// What answers is named after what it wraps: csv/.
package exemption

import (
	"context"
	"time"

	"github.com/risposta/gateway/metering"
)

// Lookup says whether the caller with this number is exempt as of an instant.
//
// Contract: it honours the deadline of ctx and may be called by many goroutines at once. Unknown with a nil error means that
// the register cannot tell, as for a withheld number; an error means that it could not be asked. The caller of Lookup does
// not retry. Errors carry no number.
type Lookup interface {
	Exempt(ctx context.Context, number metering.Number, at time.Time) (metering.Exemption, error)
}

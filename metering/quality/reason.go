package quality

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/risposta/gateway/metering"
)

// ReasonOther counts, in a [ByReason], what has no decisive reason that this package knows.
const ReasonOther metering.Reason = "other"

// decisive are the reasons that can be a record's first one, in the order of a [ByReason].
var decisive = [...]metering.Reason{
	metering.ReasonTalk, metering.ReasonCapped, metering.ReasonExempt,
	metering.ReasonExemptionUnresolved, metering.ReasonPriceForbidden, metering.ReasonNumberRefused,
	metering.ReasonWaitCharged, metering.ReasonAnnouncedFree, metering.ReasonNoConsent,
	metering.ReasonNotAnnounced, metering.ReasonAnnouncedLate, metering.ReasonWaitNotTold,
	metering.ReasonTookOver, metering.ReasonDirectionUnknown, metering.ReasonNoTariff, metering.ReasonNoTalk,
	metering.ReasonBelowIncrement, ReasonOther,
}

// ByReason counts by the decisive reason of a charge. The JSON is an object of the reasons that are
// not zero.
type ByReason [len(decisive)]int64

// Reasons are all reasons that a [ByReason] counts, in its order.
func Reasons() []metering.Reason { return slices.Clone(decisive[:]) }

// add counts n under the first of a record's reasons.
func (b *ByReason) add(reasons []metering.Reason, n int64) {
	i := len(decisive) - 1
	if len(reasons) > 0 {
		if known := slices.Index(decisive[:], reasons[0]); known >= 0 {
			i = known
		}
	}
	b[i] += n
}

// Of is the count of one reason.
func (b ByReason) Of(why metering.Reason) int64 {
	if i := slices.Index(decisive[:], why); i >= 0 {
		return b[i]
	}
	return 0
}

// MarshalJSON writes {"exempt":12,"no_talk":3}.
func (b ByReason) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for i, n := range b {
		if n == 0 {
			continue
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = fmt.Appendf(text, "%q:%d", string(decisive[i]), n)
	}
	return append(text, '}'), nil
}

// UnmarshalJSON reads the form that MarshalJSON writes.
func (b *ByReason) UnmarshalJSON(text []byte) error {
	var counts map[metering.Reason]int64
	if err := json.Unmarshal(text, &counts); err != nil {
		return fmt.Errorf("reading counts by reason: %w", err)
	}
	*b = ByReason{}
	for why, n := range counts {
		i := slices.Index(decisive[:], why)
		if i < 0 {
			return fmt.Errorf("reading counts by reason: %q decides no charge", why)
		}
		b[i] = n
	}
	return nil
}

package metering

// Announcement is what the front desk announced to the caller before the queue, and whether the
// caller agreed.
type Announcement struct {
	// When the price announcement ended, by the PBX's clock. Left out: no price was announced.
	AnnouncedAt Time `json:"announced_at,omitzero"`
	// Name and content hash of the tariff whose price was announced.
	Tariff string `json:"tariff,omitzero"`
	// Whether the announcement was that the call is free.
	Free bool `json:"free,omitzero"`
	// The caller's answer to the price: "given", or "refused", which no answer is too. Left out: the
	// caller was not asked.
	Consent string `json:"consent,omitzero"`
	// When the caller had been told how long the wait was expected to be and that it is free, by the
	// PBX's clock. Left out: it was not told.
	WaitToldAt Time `json:"wait_told_at,omitzero"`
	// The expected wait that was told, in seconds: that of the words, which are whole minutes rounded
	// up. Left out: it was told that it is not known, or nothing was told.
	WaitSeconds int64 `json:"wait_seconds,omitzero"`
}

// WaitTold reports whether the caller was told how long the wait was expected to be. That it is not
// known tells no duration.
func (a Announcement) WaitTold() bool { return !a.WaitToldAt.IsZero() && a.WaitSeconds > 0 }

// The values of [Announcement].Consent besides "".
const (
	ConsentGiven   = "given"
	ConsentRefused = "refused"
)

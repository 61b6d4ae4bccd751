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
}

// The values of [Announcement].Consent besides "".
const (
	ConsentGiven   = "given"
	ConsentRefused = "refused"
)

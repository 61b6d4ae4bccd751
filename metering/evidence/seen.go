package evidence

// What was known of the PBX beside its events. Timestamps are the PBX's own, as Asterisk writes them.

// Gap says that from here on the PBX was not seen.
type Gap struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"` // the last instant that was seen
	Node      string `json:"asterisk_id,omitempty"`
	Reason    string `json:"reason"`
}

// UnreadableFrame says that a frame about these channels was not understood.
type UnreadableFrame struct {
	Type      string   `json:"type"`
	Timestamp string   `json:"timestamp"`
	Node      string   `json:"asterisk_id,omitempty"`
	Channels  []string `json:"channels"`
}

// Snapshot is what there was at an instant, as far as it concerns the call. A LegSnapshot has the
// same fields: legs that come into the call, as they were before the event that follows.
type Snapshot struct {
	Type      string   `json:"type"`
	Timestamp string   `json:"timestamp"`
	Node      string   `json:"asterisk_id,omitempty"`
	Legs      []Leg    `json:"legs,omitempty"`
	Bridges   []Bridge `json:"bridges,omitempty"`
}

// Leg is a channel and what was known of it.
type Leg struct {
	Channel    Channel `json:"channel"`
	Hold       uint8   `json:"hold,omitempty"`        // 0 not known, 1 off, 2 on
	Feature    uint8   `json:"feature,omitempty"`     // a hold by a bridge feature: 1 begun, 2 in another bridge
	Dialled    bool    `json:"dialled,omitempty"`     // Asterisk called it
	DialledBy  string  `json:"dialled_by,omitempty"`  // the channel that is dialling it
	NumberKind string  `json:"number_kind,omitempty"` // of the number by which it was dialled
	Moved      string  `json:"moved,omitempty"`       // when it last entered or left a bridge
	Seen       string  `json:"seen,omitempty"`        // the latest instant of its own events
}

// Channel is the reduced form of Asterisk's channel. Digits in the name of a Local channel are masked.
type Channel struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	State    string    `json:"state,omitempty"`
	Dialplan *Dialplan `json:"dialplan,omitempty"`
	Created  string    `json:"creationtime,omitempty"`
}

// Dialplan is the application that a channel runs; the arguments are kept of Queue() alone.
type Dialplan struct {
	App     string `json:"app_name,omitempty"`
	AppData string `json:"app_data,omitempty"`
}

// Bridge is the reduced form of Asterisk's bridge.
type Bridge struct {
	ID       string   `json:"id"`
	Type     string   `json:"bridge_type,omitempty"`
	Channels []string `json:"channels,omitempty"`
}

// Encode writes the frame.
func (g Gap) Encode() []byte {
	g.Type = TypeGap
	return encode(g)
}

// Encode writes the frame.
func (u UnreadableFrame) Encode() []byte {
	u.Type = TypeUnreadableFrame
	return encode(u)
}

// Encode writes the frame, as a LegSnapshot or as a Snapshot.
func (s Snapshot) Encode(frameType string) []byte {
	s.Type = frameType
	return encode(s)
}

// ReadGap reads the frame.
func ReadGap(frame []byte) (g Gap, err error) {
	err = decode(frame, &g)
	return g, err
}

// ReadUnreadableFrame reads the frame.
func ReadUnreadableFrame(frame []byte) (u UnreadableFrame, err error) {
	err = decode(frame, &u)
	return u, err
}

// ReadSnapshot reads a Snapshot or a LegSnapshot.
func ReadSnapshot(frame []byte) (s Snapshot, err error) {
	err = decode(frame, &s)
	return s, err
}

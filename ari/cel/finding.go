package cel

// Finding is what a row shows that no event does: each casts doubt on the talk around it.
type Finding uint8

// The findings. A row may show more than one.
const (
	// Key: a key was pressed on a channel in a mixing bridge. It may begin a feature.
	Key Finding = 1 << iota
	// Sound: a sound, which is no music, plays to a channel in a mixing bridge.
	Sound
	// FrontDesk: the channel is at the front desk, by the dialplan of deploy/asterisk.
	FrontDesk
	// Unresponsive: Asterisk ended an answered channel because nothing came from it.
	Unresponsive
	// Conference: the bridge mixes more than two, some of whom may be muted.
	Conference
	// RowsMissing: the channel ended in a bridge that, by the rows, it has not left.
	RowsMissing
)

// Where the front desk is in the dialplan (deploy/asterisk/etc/extensions.conf).
const (
	deskContext = "risposta"
	deskExten   = "announce"
)

// The causes by which Asterisk ends a channel from which nothing came: the RTP timeout's, and that
// of a session timer (docs/asterisk.md).
const (
	causeRTPTimeout   = 44
	causeNoResponding = 18
)

// shows finds what a row shows of its channel, as this was before it.
func (c *channel) shows(row []string, x extra) (f Finding) {
	if len(row) >= columns && row[colContext] == deskContext && row[colExten] == deskExten {
		f |= FrontDesk
	}
	if x.Technology == "softmix" {
		f |= Conference
	}
	switch row[colType] {
	case "DTMF":
		if c.mixing {
			f |= Key
		}
	case "STREAM_BEGIN":
		if c.mixing && x.Class == "" {
			f |= Sound
		}
	case "HANGUP":
		if c.Up() && (x.Cause == causeRTPTimeout || x.Cause == causeNoResponding) {
			f |= Unresponsive
		}
	case "CHAN_END":
		if c.bridge != "" {
			f |= RowsMissing
		}
	}
	return f
}

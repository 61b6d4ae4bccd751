package ari

// TimeLayout is the form of the timestamps in ARI, in the time zone of Asterisk.
const TimeLayout = "2006-01-02T15:04:05.000-0700"

type wireChannel struct {
	ID     ChannelID `json:"id"`
	Name   string    `json:"name"`
	State  string    `json:"state,omitzero"`
	Caller struct {
		Number string `json:"number,omitzero"`
	} `json:"caller,omitzero"`
	Dialplan struct {
		Context string `json:"context,omitzero"`
		Exten   string `json:"exten,omitzero"`
		App     string `json:"app_name,omitzero"`
		AppData string `json:"app_data,omitzero"`
	} `json:"dialplan,omitzero"`
	Created string `json:"creationtime,omitzero"`
}

type wireBridge struct {
	ID       BridgeID    `json:"id"`
	Type     string      `json:"bridge_type,omitzero"`
	Channels []ChannelID `json:"channels,omitzero"`
}

// wire is the union of the PBX's frames that matter, in Asterisk's field names.
type wire struct {
	Type       string       `json:"type"`
	Timestamp  string       `json:"timestamp"`
	Node       string       `json:"asterisk_id,omitzero"`
	EventName  string       `json:"eventname,omitzero"`
	Channel    *wireChannel `json:"channel,omitzero"`
	Caller     *wireChannel `json:"caller,omitzero"`
	Peer       *wireChannel `json:"peer,omitzero"`
	FirstLeg   *wireChannel `json:"transferer_first_leg,omitzero"`
	Bridge     *wireBridge  `json:"bridge,omitzero"`
	From       *wireBridge  `json:"bridge_from,omitzero"`
	DialStatus string       `json:"dialstatus,omitzero"`
	MusicClass string       `json:"musicclass,omitzero"`
	Soft       bool         `json:"soft,omitzero"`
	DialString string       `json:"dialstring,omitzero"` // read, never written
	Exten      string       `json:"exten,omitzero"`      // read, never written
	// NumberKind is written into evidence in place of the dialled number. What a PBX sends under this
	// name is ignored.
	NumberKind string   `json:"number_kind,omitzero"`
	Args       []string `json:"args,omitzero"`
	Digit      string   `json:"digit,omitzero"`
	Playback   struct {
		ID    string `json:"id"`
		State string `json:"state"`
	} `json:"playback,omitzero"`
}

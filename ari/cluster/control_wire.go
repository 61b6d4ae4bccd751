package cluster

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	cycore "github.com/CyCoreSystems/ari/v5"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// What ari-proxy's requests have no field for travels in fields that it passes on unread. Both ends
// are ours: [Control] and `risposta proxy` (internal/proxy).

// Terms are how a command is to be carried out. A command that waited, in a proxy that was stopped or
// in a connection that was down, must not be carried out late: Asterisk hangs up any channel, and an
// old command to hang up would end a talk that has begun since.
type Terms struct {
	Before   time.Time // by the clock of the machine of the proxy; never zero
	Language string    // of a prompt; "" for other commands
}

// String is the terms as the dialog of a key, which no other field of a request says.
func (t Terms) String() string {
	v := url.Values{"before": {strconv.FormatInt(t.Before.UnixMilli(), 10)}}
	if t.Language != "" {
		v.Set("lang", t.Language)
	}
	return v.Encode()
}

// ParseTerms reads them. A command without a deadline is refused.
func ParseTerms(text string) (Terms, error) {
	v, err := url.ParseQuery(text)
	ms, merr := strconv.ParseInt(v.Get("before"), 10, 64)
	if err != nil || merr != nil {
		return Terms{}, errors.New("the command has no deadline: send commands with risposta only")
	}
	return Terms{Before: time.UnixMilli(ms), Language: v.Get("lang")}, nil
}

// countKey is the kind of the last key of a list, whose id is the number of the keys before it.
// ari-proxy's client returns an empty list, and no error, where the answer did not come.
const countKey = "count"

// Keys is a list of ids as ari-proxy sends it.
func Keys[ID ~string](kind string, ids []ID) []*cycore.Key {
	keys := make([]*cycore.Key, 0, len(ids)+1)
	for _, id := range ids {
		keys = append(keys, cycore.NewKey(kind, string(id)))
	}
	return append(keys, cycore.NewKey(countKey, strconv.Itoa(len(ids))))
}

// idsOf reads a list that Keys has made, whole or not at all.
func idsOf[ID ~string](keys []*cycore.Key) ([]ID, error) {
	last := len(keys) - 1
	if last < 0 {
		return nil, errors.New("no answer came in time")
	}
	if k := keys[last]; k == nil || k.Kind != countKey || k.ID != strconv.Itoa(last) {
		return nil, fmt.Errorf("a list of %d is not whole: is it risposta's proxy that answers, "+
			"and one only?", last)
	}
	ids := make([]ID, last)
	for i, k := range keys[:last] {
		if k == nil {
			return nil, errors.New("an entry of the list is empty")
		}
		ids[i] = ID(k.ID)
	}
	return ids, nil
}

// The fields of a channel that the library does not have, among its variables.
const (
	varApp     = "risposta_app"
	varAppData = "risposta_app_data"
	varCreated = "risposta_created"
)

// ChannelData is a channel as ari-proxy sends it.
func ChannelData(c ari.Channel) *cycore.ChannelData {
	d := &cycore.ChannelData{
		ID: string(c.ID), Name: c.Name, State: c.State,
		Caller:      &cycore.CallerID{Number: c.Caller.Clear()},
		Dialplan:    &cycore.DialplanCEP{Context: c.Context, Exten: c.Exten},
		ChannelVars: map[string]string{varApp: c.App, varAppData: c.AppData},
	}
	if !c.Created.IsZero() {
		d.ChannelVars[varCreated] = c.Created.UTC().Format(time.RFC3339Nano)
	}
	return d
}

// channelOf reads what ChannelData has made.
func channelOf(d *cycore.ChannelData) ari.Channel {
	c := ari.Channel{
		ID: ari.ChannelID(d.ID), Name: d.Name, State: d.State,
		App: d.ChannelVars[varApp], AppData: d.ChannelVars[varAppData],
	}
	if d.Caller != nil {
		c.Caller = metering.NewNumber(d.Caller.Number)
	}
	if d.Dialplan != nil {
		c.Context, c.Exten = d.Dialplan.Context, d.Dialplan.Exten
	}
	if at, err := time.Parse(time.RFC3339Nano, d.ChannelVars[varCreated]); err == nil {
		c.Created = at
	}
	return c
}

// conference is the creator of a bridge of ConfBridge.
const conference = "ConfBridge"

// BridgeData is a bridge as ari-proxy sends it.
func BridgeData(b ari.Bridge) *cycore.BridgeData {
	d := &cycore.BridgeData{ID: string(b.ID), Type: b.Type, Name: b.Room}
	if b.Conference {
		d.Creator = conference
	}
	for _, id := range b.Channels {
		d.ChannelIDs = append(d.ChannelIDs, string(id))
	}
	return d
}

// bridgeOf reads what BridgeData has made.
func bridgeOf(d *cycore.BridgeData) ari.Bridge {
	b := ari.Bridge{ID: ari.BridgeID(d.ID), Type: d.Type}
	if d.Creator == conference {
		b.Conference, b.Room = true, d.Name
	}
	for _, id := range d.ChannelIDs {
		b.Channels = append(b.Channels, ari.ChannelID(id))
	}
	return b
}

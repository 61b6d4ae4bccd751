package ari

import (
	"slices"
	"strings"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
)

// EncodeEvidence writes the event as evidence keeps it: one line of JSON. A PBX's event stays in
// Asterisk's field names, reduced to the fields that [Decode] keeps, without what would name a
// person: no caller's number, no dialled number, no dialplan but the queue, no telephone number in
// the name of a channel. [DecodeEvidence] reads it back to the same facts.
func EncodeEvidence(ev Event) []byte {
	switch ev.Kind {
	case Gap:
		return evidence.Gap{At: metering.Time{Time: ev.At}, Node: ev.Node, Reason: ev.Reason}.Encode()
	case UnreadableFrame:
		u := evidence.UnreadableFrame{At: metering.Time{Time: ev.At}, Node: ev.Node}
		for _, id := range ev.Channels {
			u.Channels = append(u.Channels, string(id))
		}
		return u.Encode()
	case SnapshotTaken:
		return encodeSnapshot(ev).Encode()
	case LegSnapshot:
		return evidence.LegSnapshot(encodeSnapshot(ev)).Encode()
	case Probed:
		return encodeFindings(ev)
	default:
		return encodeEvent(ev)
	}
}

var (
	holdWords    = [...]string{HoldUnknown: "", HoldOff: evidence.HoldOff, HoldOn: evidence.HoldOn}
	featureWords = [...]string{
		NoFeatureHold: "", FeatureHoldBegun: evidence.FeatureHoldBegun,
		FeatureHoldAway: evidence.FeatureHoldAway,
	}
)

func encodeSnapshot(ev Event) evidence.Snapshot {
	s := evidence.Snapshot{At: metering.Time{Time: ev.At}, Node: ev.Node}
	for _, l := range ev.Snapshot.Legs {
		s.Legs = append(s.Legs, evidence.Leg{
			Channel: evidence.Channel{
				ID: string(l.Channel.ID), Name: MaskName(l.Channel.Name), State: l.Channel.State,
				Dialplan: evidence.Dialplan{App: l.Channel.App, AppData: queueArgument(l.Channel)},
				Created:  metering.Time{Time: l.Channel.Created},
			},
			Hold: holdWords[l.Hold], FeatureHold: featureWords[l.Feature], Dialled: l.Dialled,
			Incoming:  l.Incoming,
			DialledBy: string(l.DialledBy), NumberKind: l.Number,
			Moved: metering.Time{Time: l.Moved}, LastEvent: metering.Time{Time: l.LastEvent},
			Doubts: texts(l.Doubts), HomeApp: l.HomeApp, AppSince: metering.Time{Time: l.AppSince},
		})
	}
	for _, b := range ev.Snapshot.Bridges {
		s.Bridges = append(s.Bridges, evidence.Bridge{
			ID: string(b.ID), Type: b.Type, Channels: texts(b.Channels),
			Conference: b.Conference, Active: texts(b.Active),
		})
	}
	return s
}

// texts are the values as strings. A nil list stays nil: it says that nothing is known.
func texts[T ~string](values []T) []string {
	if values == nil {
		return nil
	}
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}

func encodeFindings(ev Event) []byte {
	f := evidence.Findings{At: metering.Time{Time: ev.At}, Node: ev.Node}
	for _, l := range ev.Findings.Legs {
		f.Legs = append(f.Legs, evidence.Finding{
			Channel: string(l.Channel), Kind: string(l.Kind), Since: metering.Time{Time: l.Since},
		})
	}
	for _, c := range ev.Findings.Conferences {
		f.Conferences = append(f.Conferences, evidence.Conference{
			Bridge: string(c.Bridge), Active: texts(c.Active),
		})
	}
	return f.Encode()
}

func encodeEvent(ev Event) []byte {
	w := wire{
		Type: ev.Kind.String(), Timestamp: ev.At.Format(TimeLayout), Node: ev.Node,
		DialStatus: ev.DialStatus, Soft: ev.Soft, NumberKind: ev.NumberKind,
		Args: maskedArgs(ev.Args), Digit: ev.Digit,
		Bridge: reducedBridge(ev.Bridge), From: reducedBridge(ev.From),
	}
	if ev.Feature {
		w.MusicClass = noMusicClass
	}
	switch ev.Unresponsive {
	case UnresponsiveRTP:
		w.Cause = causeRTPTimeout
	case UnresponsiveSIP:
		w.TechCause = techCauseTimeout
	case Responsive:
	}
	switch ev.Kind {
	case Dial:
		w.Peer, w.Caller = reducedChannel(ev.Channel), reducedChannel(ev.Caller)
	case BridgeAttendedTransfer:
		w.FirstLeg = reducedChannel(ev.Channel)
	case Heartbeat:
		w.EventName = HeartbeatName(ev.Heartbeat)
		w.Channel = reducedChannel(ev.Channel)
	case ChannelVarset:
		w.Channel, w.Variable = reducedChannel(ev.Channel), ev.Variable
		switch {
		case ev.Music:
			w.Value = musicPeer
		case ev.Variable == VarBridgePeer:
			w.Value = otherPeer
		}
	default:
		w.Channel = reducedChannel(ev.Channel)
	}
	return w.encode()
}

// maskedArgs are the arguments of Stasis(). Only the first counts; the dialplan may give a number in
// another.
func maskedArgs(args []string) []string {
	masked := slices.Clone(args)
	for i, a := range masked {
		masked[i] = MaskDigits(a)
	}
	return masked
}

// reducedChannel is the channel as evidence keeps it, nil for none. The call's first frame names
// the service, so no extension is needed here. Of the applications only Queue() matters to the
// meter.
func reducedChannel(c Channel) *wireChannel {
	if c.ID == "" {
		return nil
	}
	w := &wireChannel{ID: c.ID, Name: MaskName(c.Name), State: c.State}
	w.Dialplan.App, w.Dialplan.AppData = c.App, queueArgument(c)
	return w
}

// queueArgument is the name of the queue that the channel is in, "" for none. The other arguments
// of Queue() are left out: its URL may hold the number of the caller.
func queueArgument(c Channel) string {
	if c.App != "Queue" {
		return ""
	}
	name, _, _ := strings.Cut(c.AppData, ",")
	return name
}

func reducedBridge(b Bridge) *wireBridge {
	if b.ID == "" {
		return nil
	}
	w := &wireBridge{ID: b.ID, Type: b.Type, Channels: b.Channels}
	if b.Conference {
		w.Creator = conferenceCreator
	}
	return w
}

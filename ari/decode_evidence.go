package ari

import (
	"fmt"
	"slices"

	"github.com/risposta/gateway/metering/evidence"
)

// evidenceKinds are the types of the frames that a source's own events become in evidence.
var evidenceKinds = map[string]Kind{
	evidence.TypeGap:             Gap,
	evidence.TypeSnapshot:        SnapshotTaken,
	evidence.TypeUnreadableFrame: UnreadableFrame,
	evidence.TypeLegSnapshot:     LegSnapshot,
	evidence.TypeFindings:        Probed,
}

// DecodeEvidence reads one frame of a call's evidence, as [EncodeEvidence] wrote it. It refuses a
// type that is no event, or that evidence does not have.
func DecodeEvidence(frame []byte) (Event, error) {
	if ev, ok := scan(frame, true); ok {
		return ev, nil
	}
	return decodeAnyEvidence(frame)
}

// decodeAnyEvidence is DecodeEvidence by package json.
func decodeAnyEvidence(frame []byte) (Event, error) {
	typ, _, err := peek(frame)
	if err != nil {
		return Event{}, fmt.Errorf("reading a frame of evidence: %w", err)
	}
	ev, err := decodeEvidence(frame, typ)
	if err != nil {
		return Event{}, fmt.Errorf("reading a %s frame of evidence: %w", typ, err)
	}
	return ev, nil
}

func decodeEvidence(frame []byte, typ string) (Event, error) {
	switch kind := evidenceKinds[typ]; kind {
	case Gap:
		g, err := evidence.ReadGap(frame)
		return Event{Kind: kind, At: g.At.Time, Node: g.Node, Reason: g.Reason}, err
	case UnreadableFrame:
		u, err := evidence.ReadUnreadableFrame(frame)
		ev := Event{Kind: kind, At: u.At.Time, Node: u.Node}
		for _, id := range u.Channels {
			ev.Channels = append(ev.Channels, ChannelID(id))
		}
		return ev, err
	case SnapshotTaken:
		s, err := evidence.ReadSnapshot(frame)
		if err != nil {
			return Event{}, err
		}
		return snapshotEvent(kind, s)
	case LegSnapshot:
		s, err := evidence.ReadLegSnapshot(frame)
		if err != nil {
			return Event{}, err
		}
		return snapshotEvent(kind, evidence.Snapshot(s))
	case Probed:
		f, err := evidence.ReadFindings(frame)
		if err != nil {
			return Event{}, err
		}
		return findingsEvent(f)
	default:
		if kinds[typ] == Other {
			return Event{}, fmt.Errorf("the type is none that version %d has", evidence.Version)
		}
		return decodeEvent(frame, typ)
	}
}

func snapshotEvent(kind Kind, e evidence.Snapshot) (Event, error) {
	s := &Snapshot{At: e.At.Time, Node: e.Node}
	for i := range e.Legs {
		l, err := leg(&e.Legs[i])
		if err != nil {
			return Event{}, fmt.Errorf("channel %s: %w", e.Legs[i].Channel.ID, err)
		}
		s.Legs = append(s.Legs, l)
	}
	for _, b := range e.Bridges {
		s.Bridges = append(s.Bridges, Bridge{
			ID: BridgeID(b.ID), Type: b.Type, Channels: channelIDs(b.Channels),
			Conference: b.Conference, Active: channelIDs(b.Active),
		})
	}
	return Event{Kind: kind, At: s.At, Node: s.Node, Snapshot: s}, nil
}

// channelIDs keeps a nil list nil: it says that nothing is known.
func channelIDs(texts []string) []ChannelID {
	if texts == nil {
		return nil
	}
	ids := make([]ChannelID, len(texts))
	for i, text := range texts {
		ids[i] = ChannelID(text)
	}
	return ids
}

func findingsEvent(e evidence.Findings) (Event, error) {
	f := &Findings{}
	for _, l := range e.Legs {
		kind := FindingKind(l.Kind)
		if !slices.Contains(findingKinds, kind) {
			return Event{}, fmt.Errorf("channel %s: finding: %q is none that version %d has",
				l.Channel, l.Kind, evidence.Version)
		}
		f.Legs = append(f.Legs, Finding{Channel: ChannelID(l.Channel), Kind: kind, Since: l.Since.Time})
	}
	for _, c := range e.Conferences {
		f.Conferences = append(f.Conferences, ConferenceFinding{
			Bridge: BridgeID(c.Bridge), Active: channelIDs(c.Active),
		})
	}
	return Event{Kind: Probed, At: e.At.Time, Node: e.Node, Findings: f}, nil
}

var findingKinds = []FindingKind{
	FoundHold, FoundNoHold, FoundHoldUnknown, FoundNoMedia, FoundMedia, FoundTimeout, FoundMusic,
	FoundHeld, FoundAppEnded,
}

var legDoubts = []Doubt{DoubtApplication, DoubtNoMedia, DoubtHoldHidden, DoubtMusic}

func leg(e *evidence.Leg) (Leg, error) {
	hold, feature := slices.Index(holdWords[:], e.Hold), slices.Index(featureWords[:], e.FeatureHold)
	switch {
	case hold < 0:
		return Leg{}, fmt.Errorf("hold: %q is not %s or %s", e.Hold, evidence.HoldOn, evidence.HoldOff)
	case feature < 0:
		return Leg{}, fmt.Errorf("feature_hold: %q is not %s or %s",
			e.FeatureHold, evidence.FeatureHoldBegun, evidence.FeatureHoldAway)
	}
	var doubts []Doubt
	for _, text := range e.Doubts {
		if !slices.Contains(legDoubts, Doubt(text)) {
			return Leg{}, fmt.Errorf("doubts: %q is none that version %d has", text, evidence.Version)
		}
		doubts = append(doubts, Doubt(text))
	}
	return Leg{
		Channel: Channel{
			ID: ChannelID(e.Channel.ID), Name: e.Channel.Name, State: e.Channel.State,
			App: e.Channel.Dialplan.App, AppData: e.Channel.Dialplan.AppData,
			Created: e.Channel.Created.Time,
		},
		Hold: Hold(hold), Feature: FeatureHold(feature), Dialled: e.Dialled, Incoming: e.Incoming,
		DialledBy: ChannelID(e.DialledBy), Number: e.NumberKind,
		Moved: e.Moved.Time, LastEvent: e.LastEvent.Time, Doubts: doubts,
		HomeApp: e.HomeApp, AppSince: e.AppSince.Time,
	}, nil
}

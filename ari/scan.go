package ari

import (
	"sync"

	"github.com/risposta/gateway/metering/evidence"
)

// A scanner reads frames in one pass over their bytes, without reflection: a third of what a call
// costs was reading JSON. It reads what Asterisk writes. Whatever else a frame has, a mistake or an
// oddity, such as null or an escaped name, it leaves to package json, which alone refuses frames. So
// what the scanner reads must be what package json reads: FuzzScan compares them.
type scanner struct {
	frame []byte
	at    int
	names []span // of the members of the objects that are being read
	texts textCache

	w                               wire
	channel, caller, peer, firstLeg wireChannel
	bridge, from                    wireBridge
}

// span is a part of the frame.
type span struct{ from, to int }

// The bounds of what the scanner reads by itself.
const (
	maxDepth   = 32
	maxMembers = 64 // of one object: each name is compared with those before it
)

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// scan is [Decode], and of evidence [DecodeEvidence]; ok is false where package json must read the
// frame.
func scan(frame []byte, isEvidence bool) (ev Event, ok bool) {
	s, _ := scanners.Get().(*scanner)
	defer s.release()
	s.frame = frame
	kind, ok := s.top(isEvidence)
	if !ok || kind == Other {
		return Event{}, ok
	}
	ev, err := eventOf(&s.w, kind)
	return ev, err == nil
}

// release lets go of the frame.
func (s *scanner) release() {
	s.frame, s.at, s.names, s.w = nil, 0, s.names[:0], wire{}
	s.channel, s.caller, s.peer, s.firstLeg = wireChannel{}, wireChannel{}, wireChannel{}, wireChannel{}
	s.bridge, s.from = wireBridge{}, wireBridge{}
	scanners.Put(s)
}

// top reads a frame: of a type that does not matter, or of a variable that does not, no further than
// peek does; or whole, and then of no such type.
func (s *scanner) top(whole bool) (kind Kind, ok bool) {
	typed, done := false, false
	ok = s.object(0, func(name []byte) bool {
		switch string(name) {
		case "type":
			raw, ok := s.plain()
			if !ok || len(raw) == 0 || evidence.Ours(string(raw)) {
				return false
			}
			kind, typed = kinds[string(raw)], true
		case "variable":
			raw, ok := s.plain()
			if !ok {
				return false
			}
			s.w.Variable = watchedName(s.frame[s.at-len(raw)-2 : s.at])
		default:
			return s.member(name)
		}
		ignored := kind == ChannelVarset && s.w.Variable != "" && !watched(s.w.Variable)
		done = typed && (kind == Other || ignored && !whole)
		return !done
	})
	if done {
		return Other, !whole
	}
	return kind, ok && typed && s.end()
}

// member reads one member of a frame into the wire.
func (s *scanner) member(name []byte) bool {
	w := &s.w
	switch string(name) {
	case "timestamp":
		return s.readText(&w.Timestamp)
	case "asterisk_id":
		return s.readText(&w.Node)
	case "eventname":
		return s.readText(&w.EventName)
	case "channel":
		w.Channel = &s.channel
		return s.readChannel(w.Channel)
	case "caller":
		w.Caller = &s.caller
		return s.readChannel(w.Caller)
	case "peer":
		w.Peer = &s.peer
		return s.readChannel(w.Peer)
	case "transferer_first_leg":
		w.FirstLeg = &s.firstLeg
		return s.readChannel(w.FirstLeg)
	case "bridge":
		w.Bridge = &s.bridge
		return s.readBridge(w.Bridge)
	case "bridge_from":
		w.From = &s.from
		return s.readBridge(w.From)
	}
	return s.rareMember(name)
}

// rareMember reads a member that few frames have.
func (s *scanner) rareMember(name []byte) bool {
	w := &s.w
	switch string(name) {
	case "dialstatus":
		return s.readText(&w.DialStatus)
	case "musicclass":
		return s.readText(&w.MusicClass)
	case "soft":
		return s.readBool(&w.Soft)
	case "cause":
		return s.readInt(&w.Cause)
	case "tech_cause":
		return s.readInt(&w.TechCause)
	case "value":
		return s.readText(&w.Value)
	case "dialstring":
		return s.readText(&w.DialString)
	case "exten":
		return s.readText(&w.Exten)
	case "number_kind":
		return s.readText(&w.NumberKind)
	case "args":
		return readTexts(s, &w.Args)
	case "digit":
		return s.readText(&w.Digit)
	case "playback":
		return s.object(1, func(name []byte) bool {
			switch string(name) {
			case "id":
				return s.readText(&w.Playback.ID)
			case "state":
				return s.readText(&w.Playback.State)
			}
			return s.skip(2)
		})
	}
	return s.skip(1)
}

func (s *scanner) readChannel(c *wireChannel) bool {
	return s.object(1, func(name []byte) bool {
		switch string(name) {
		case "id":
			return readAs(s, &c.ID)
		case "name":
			return s.readText(&c.Name)
		case "state":
			return s.readText(&c.State)
		case "caller":
			return s.object(2, func(name []byte) bool {
				if string(name) == "number" {
					return s.readText(&c.Caller.Number)
				}
				return s.skip(3)
			})
		case "dialplan":
			return s.readDialplan(c)
		case "creationtime":
			return s.readText(&c.Created)
		}
		return s.skip(2)
	})
}

func (s *scanner) readDialplan(c *wireChannel) bool {
	d := &c.Dialplan
	return s.object(2, func(name []byte) bool {
		switch string(name) {
		case "context":
			return s.readText(&d.Context)
		case "exten":
			return s.readText(&d.Exten)
		case "app_name":
			return s.readText(&d.App)
		case "app_data":
			return s.readText(&d.AppData)
		}
		return s.skip(3)
	})
}

func (s *scanner) readBridge(b *wireBridge) bool {
	return s.object(1, func(name []byte) bool {
		switch string(name) {
		case "id":
			return readAs(s, &b.ID)
		case "bridge_type":
			return s.readText(&b.Type)
		case "channels":
			return readTexts(s, &b.Channels)
		case "creator":
			return s.readText(&b.Creator)
		case "name":
			return s.readText(&b.Room)
		}
		return s.skip(2)
	})
}

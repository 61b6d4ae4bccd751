// Package judge computes from Asterisk's own logs when the caller and an operator could talk.
//
// In: the CEL and the queue_log, as deploy/asterisk/etc writes them. Out: stretches of [Talk] and a
// [QueueCall]. It shares no code with the gateway, so that one mistake cannot be in both results
// that the tests compare. A hold shows in the CEL as music on the caller's channel, or on half of a
// Local channel between caller and operator (STREAM_BEGIN and STREAM_END), while the channel is in a
// bridge.
package judge

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Talk is a stretch in which the caller and an operator could talk.
type Talk struct {
	From, To time.Time
	Operator string // the endpoint, such as PJSIP/agent1
}

// row is one line of the CEL.
type row struct {
	event, caller, id, linked, channel, bridge string
	music                                      bool // the stream is music on hold, not a prompt
	at                                         time.Time
}

// ParseTime reads a time of the CEL in cel.conf's dateformat, or of a recording, which is in UTC
// without saying so.
func ParseTime(text string) (time.Time, error) {
	const layout = "2006-01-02 15:04:05.000"
	if at, err := time.Parse(layout, text); err == nil {
		return at, nil
	}
	at, err := time.Parse(layout+"-0700", text)
	return at.UTC(), err
}

func parse(cel string) ([]row, error) {
	lines, err := csv.NewReader(strings.NewReader(cel)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading the CEL: %w", err)
	}
	var rows []row
	for _, f := range lines {
		r := row{event: f[0], caller: f[2], id: f[3], linked: f[4], channel: f[5]}
		if r.at, err = ParseTime(f[1]); err != nil {
			return nil, fmt.Errorf("reading the CEL: %w", err)
		}
		if f[6] != "" {
			var extra struct {
				Bridge string `json:"bridge_id"`
				Class  string `json:"class"`
			}
			if err := json.Unmarshal([]byte(f[6]), &extra); err != nil {
				return nil, fmt.Errorf("reading the CEL: %w", err)
			}
			r.bridge, r.music = extra.Bridge, extra.Class != ""
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// Calls lists the unique ids of the channels that call from this number, in order of arrival.
func Calls(cel, number string) ([]string, error) {
	rows, err := parse(cel)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range rows {
		if r.event == "CHAN_START" && r.caller == number && r.id == r.linked {
			ids = append(ids, r.id)
		}
	}
	return ids, nil
}

// party is the state of one channel, from the CEL so far.
type party struct {
	name     string
	answered bool
	streams  []bool // what plays to it, the latest last; true: music on hold
	bridge   string
}

// held reports whether the other side has put the party on hold: music plays to it.
func (p *party) held() bool { return slices.Contains(p.streams, true) }

// Truth returns the caller's stretches of talk by the CEL. operators are patterns of endpoints. The
// error is not nil while the call still talks at the end of the CEL.
func Truth(cel, callerID string, operators ...string) ([]Talk, error) {
	rows, err := parse(cel)
	if err != nil {
		return nil, err
	}
	parties := map[string]*party{}
	var talks []Talk
	var open *Talk
	for _, r := range rows {
		p := parties[r.id]
		if p == nil {
			p = &party{name: r.channel}
			parties[r.id] = p
		}
		switch r.event {
		case "ANSWER":
			p.answered = true
		case "BRIDGE_ENTER":
			p.bridge, p.answered = r.bridge, true
		case "BRIDGE_EXIT":
			if p.bridge == r.bridge {
				p.bridge = ""
			}
		case "STREAM_BEGIN":
			p.streams = append(p.streams, r.music)
		case "STREAM_END":
			if n := len(p.streams); n > 0 {
				p.streams = p.streams[:n-1]
			}
		case "CHAN_END":
			delete(parties, r.id)
		}
		op := with(parties, callerID, operators, open)
		if open != nil && op != open.Operator {
			open.To = r.at
			talks = append(talks, *open)
			open = nil
		}
		if open == nil && op != "" {
			open = &Talk{From: r.at, Operator: op}
		}
	}
	if open != nil {
		return nil, fmt.Errorf("the CEL ends during talk of call %s", callerID)
	}
	// When a party on hold hangs up, its music stops some milliseconds before it leaves the bridge.
	// That is no talk.
	if n := len(talks); n > 1 && talks[n-1].To.Sub(talks[n-1].From) < hangupLag {
		talks = talks[:n-1]
	}
	return talks, nil
}

// hangupLag is more than the time from the end of the music to the end of the bridge at a hang-up
// (measured: 1 to 10 ms).
const hangupLag = 50 * time.Millisecond

// with returns the operator that the caller can talk with, "" if there is none: in the caller's
// bridge, or in a bridge reached through Local channels. Of several operators, it prefers the one
// that talks already.
func with(parties map[string]*party, callerID string, operators []string, open *Talk) string {
	caller := parties[callerID]
	if caller == nil || caller.bridge == "" || caller.held() {
		return ""
	}
	reach := []string{caller.bridge}
	var found []string
	for i := 0; i < len(reach); i++ {
		for id, p := range parties {
			if id == callerID || p.bridge != reach[i] || !p.answered {
				continue
			}
			if strings.HasPrefix(p.name, "Local/") {
				other := half(parties, p.name)
				if other != nil && other.answered && other.bridge != "" &&
					!p.held() && !other.held() && // behind it somebody holds
					!slices.Contains(reach, other.bridge) {
					reach = append(reach, other.bridge)
				}
				continue
			}
			endpoint := p.name[:strings.LastIndex(p.name, "-")]
			for _, o := range operators {
				if ok, err := path.Match(o, endpoint); err == nil && ok && !p.held() {
					found = append(found, endpoint)
				}
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	if open != nil && slices.Contains(found, open.Operator) {
		return open.Operator
	}
	slices.Sort(found)
	return found[0]
}

func half(parties map[string]*party, name string) *party {
	base, n := name[:len(name)-1], name[len(name)-1:]
	other := map[string]string{"1": base + "2", "2": base + "1"}[n]
	for _, p := range parties {
		if p.name == other {
			return p
		}
	}
	return nil
}

// Sum is the talk in all stretches.
func Sum(talks []Talk) time.Duration {
	var d time.Duration
	for _, t := range talks {
		d += t.To.Sub(t.From)
	}
	return d
}

package mediation_test

import (
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// truth is who talked when in a call center.
type truth struct {
	talked    map[ari.ChannelID]time.Duration
	talking   map[ari.ChannelID]time.Time // since when
	stretches map[ari.ChannelID]int
	intervals map[ari.ChannelID][][2]time.Time

	refused    map[ari.ChannelID]bool // callers whose own channel dialled a number that forbids a charge
	badNumbers bool                   // some channel dialled one
}

func newTruth() truth {
	return truth{
		talked: map[ari.ChannelID]time.Duration{}, talking: map[ari.ChannelID]time.Time{},
		stretches: map[ari.ChannelID]int{}, intervals: map[ari.ChannelID][][2]time.Time{},
		refused: map[ari.ChannelID]bool{},
	}
}

// judge adds up the truth after an action.
func (tr *truth) judge(people []*person, now time.Time) {
	for _, c := range people {
		if !c.caller {
			continue
		}
		since, was := tr.talking[c.id]
		is := !c.gone && !c.ended && c.talks()
		switch {
		case is && !was:
			tr.talking[c.id] = now
			tr.stretches[c.id]++
		case was && !is:
			tr.talked[c.id] += now.Sub(since)
			if now.After(since) {
				tr.intervals[c.id] = append(tr.intervals[c.id], [2]time.Time{since, now})
			}
			delete(tr.talking, c.id)
		}
	}
}

// talks reports whether a chain of channels leads from the caller to an operator: each next to the
// last in a mixing bridge or its twin, all Up, none of them holding or in an application.
func (p *person) talks() bool {
	if !p.free() {
		return false
	}
	reached := map[*person]bool{p: true}
	for grown := true; grown; {
		grown = false
		for q := range reached {
			for _, next := range q.neighbours(p) {
				if !reached[next] && next.free() {
					reached[next], grown = true, true
				}
			}
		}
	}
	for q := range reached {
		if q.operator || q.bot && p.list == botsAreOperators {
			return true
		}
	}
	return false
}

// free reports whether the channel can talk and listen, and the others hear it.
func (p *person) free() bool { return p.up && !p.holds && !p.music && !p.gone && p.inApp.IsZero() }

// neighbours are the channels that p is connected with. Only the caller and halves of Local
// channels connect further, and a half that is in no bridge leads nowhere.
func (p *person) neighbours(caller *person) (next []*person) {
	if p.twin != nil && p.twin.at != nil {
		next = append(next, p.twin)
	}
	if p.at != nil && p.at.mixing && (p == caller || p.twin != nil) {
		next = append(next, p.at.inside...)
	}
	return next
}

// inside reports whether a stretch of talk lies within one interval.
func inside(talk metering.Talk, intervals [][2]time.Time) bool {
	if talk.Ms == 0 {
		return true
	}
	for _, i := range intervals {
		if !talk.From.Before(i[0]) && !talk.To.After(i[1]) {
			return true
		}
	}
	return false
}

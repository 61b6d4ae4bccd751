package mediation_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
)

// longestMusic is how long the music of a hold goes on after its end (measured: 7.4 s).
const longestMusic = 8 * time.Second

// withMusic reports whether the music of the channel's hold may go on after it: of one at a time.
func (w *callCenter) withMusic(p *person) bool {
	for _, q := range w.people {
		if q.music {
			return false
		}
	}
	return w.musicGoesOn && p.at != nil && p.at.mixing
}

// setUpBridge has the bridge of a channel set up anew, as a re-INVITE does. Not every PBX reports
// it.
func (w *callCenter) setUpBridge(p *person) {
	if w.reports == nil {
		reports := rapid.IntRange(0, 3).Draw(w.t, "reported") > 0
		w.reports = &reports
	}
	if p.at == nil || !*w.reports {
		return
	}
	p.peers = p.peers || p.holds
	w.showPeers(p)
}

// showPeers reports it, to each member.
func (w *callCenter) showPeers(p *person) {
	for _, q := range p.at.inside {
		w.emit(ari.ChannelVarset, q, nil)
		w.events[len(w.events)-1].Variable = ari.VarBridgePeer
	}
}

// endMusic ends the music that goes on after a hold.
func (w *callCenter) endMusic() {
	p := w.pick(func(p *person) bool { return p.music })
	if p != nil {
		w.stopMusic(p)
	}
}

func (w *callCenter) stopMusic(p *person) {
	p.music = false
	w.showPeers(p)
}

// limitMusic ends music that would go on for too long. There is none of less than 3 ms: by that the
// timestamps of two threads of Asterisk differ.
func (w *callCenter) limitMusic() {
	for _, p := range w.people {
		switch after := w.now.Sub(w.unheld); {
		case !p.music || p.gone:
		case after < 3*time.Millisecond:
			w.now = w.unheld.Add(3 * time.Millisecond)
		case after > longestMusic:
			w.now = w.unheld.Add(longestMusic)
			w.stopMusic(p)
			w.judge(w.people, w.now)
		}
	}
}

// Holds of a caller and an operator who talk from the start: in any model holds in a talk are
// seldom.
func TestModelMusicAfterHoldsIsNotTalk(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newCallCenter(t)
		w.musicGoesOn = true
		b := &place{id: "b1", mixing: true}
		w.bridges["b1"] = b
		for _, p := range w.people {
			p.up, p.at = true, b
			b.inside = append(b.inside, p)
			w.emit(ari.ChannelStateChange, p, nil)
			w.emit(ari.ChannelEnteredBridge, p, b)
		}
		w.judge(w.people, w.now)
		all, holds := w.actions(), map[string]func(*rapid.T){}
		for _, name := range []string{"hold", "unhold", "the music ends", "transfer", "hang up"} {
			holds[name] = all[name]
		}
		t.Repeat(holds)
		w.end()
		m, out := mediate(t, rawFrames(w.events))
		records := checkAll(t, w, m, out)
		if !w.overlaps {
			checkTruth(t, w, records)
		}
		// Less than 3 ms from one event to the next is no music to the gateway.
		allowed := time.Duration(len(w.events)) * 2 * time.Millisecond
		checkTalk(t, w, records, func(id ari.ChannelID) time.Duration {
			return w.talked[id] + allowed
		}, w.events)
	})
}

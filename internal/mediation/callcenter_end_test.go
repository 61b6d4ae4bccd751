package mediation_test

import (
	"time"

	"github.com/risposta/gateway/ari"
)

// end hangs up every channel.
func (w *callCenter) end() {
	w.now = w.now.Add(time.Second)
	for _, p := range w.people {
		for !p.gone {
			w.hangUp(p)
			w.judge(w.people, w.now)
		}
	}
	for _, id := range places {
		if b := w.bridges[id]; b != nil {
			w.emit(ari.BridgeDestroyed, nil, b)
		}
	}
}

// snapshot is what a snapshot of the PBX shows.
func (w *callCenter) snapshot() *ari.Snapshot {
	s := &ari.Snapshot{At: w.now, Node: "pbx"}
	for _, p := range w.people {
		if p.gone {
			continue
		}
		hold := map[bool]ari.Hold{true: ari.HoldOn, false: ari.HoldOff}[p.holds]
		s.Legs = append(s.Legs, ari.Leg{
			Channel: p.shown(), Hold: hold, Dialled: !p.caller, Incoming: p.caller, Done: p.recorded,
		})
	}
	for _, id := range places {
		if b := w.bridges[id]; b != nil {
			s.Bridges = append(s.Bridges, b.shown())
		}
	}
	return s
}

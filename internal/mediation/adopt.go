package mediation

import (
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// Adopt takes over the open call of a replay, after a crash. The events that follow must begin with
// Gap and SnapshotTaken.
func (m *Mediator) Adopt(from *Mediator, call metering.CallID) {
	m.graph.Adopt(from.graph, call)
	m.transfer(from, call)
}

// transfer takes over what is held of the call beside the graph.
func (m *Mediator) transfer(from *Mediator, call metering.CallID) {
	m.meter.Adopt(from.meter.Call(call))
	m.keepOperators(call, from.operatorsOf(call))
	m.digests[call], m.latest[call] = from.digests[call], from.latest[call]
	if number := from.encrypted[call]; number != nil {
		m.encrypted[call] = number
	}
	if survey := from.surveys[call]; survey != nil {
		m.surveys[call] = survey
	}
}

// Snapshot is everything that is known of the PBX, for a later run to [Mediator.Load].
func (m *Mediator) Snapshot() *ari.Snapshot { return m.graph.Snapshot() }

// Load takes over what a former run knew of the PBX up to an instant. [Mediator.Reattach] then
// brings back the open calls. The events that follow must be those that followed then.
func (m *Mediator) Load(s *ari.Snapshot, watermark time.Time) {
	m.graph.Load(s, watermark)
	m.watermark = watermark
}

// Follow takes over what another mediator knows of the PBX, which s is, with its clock. That one had the
// same frames, and is not used any more. [Mediator.Reattach] then brings back the open calls.
func (m *Mediator) Follow(other *Mediator, s *ari.Snapshot) {
	m.Load(s, other.watermark)
	m.pbxClock = other.pbxClock
}

// Reattach takes over the open call of a replay, without a gap. It returns false where the call
// does not fit what was loaded.
func (m *Mediator) Reattach(from *Mediator, call metering.CallID) bool {
	if !m.graph.Reattach(from.graph, call) {
		return false
	}
	m.transfer(from, call)
	return true
}

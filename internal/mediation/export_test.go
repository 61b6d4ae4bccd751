package mediation

import (
	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// CallSnapshot is everything that the graph knows of what is connected with an open call.
func (m *Mediator) CallSnapshot(call metering.CallID) *ari.Snapshot {
	return m.graph.CallSnapshot(call)
}

// Replayed is the replay of one call's evidence, as far as it has grown.
type Replayed struct{ *replay }

// NewReplayed starts with the first frame.
func NewReplayed(first []byte) (Replayed, error) {
	r, err := newReplay(first)
	return Replayed{r}, err
}

// Next takes in the next frame.
func (r Replayed) Next(frame []byte) error { return r.next(frame) }

// Mediator holds the call while it is open.
func (r Replayed) Mediator() *Mediator { return r.mediator }

// Output is what the frames so far came to.
func (r Replayed) Output() *Output { return &r.out }

package metering

import "fmt"

// Meter holds the open calls. It is for one goroutine.
type Meter struct{ calls map[CallID]*Call }

// NewMeter makes a meter without calls.
func NewMeter() *Meter { return &Meter{calls: map[CallID]*Call{}} }

// Apply folds a fact. A fact that ends a call removes it from the meter and returns it, ready for
// [NewRecord]; any other fact returns nil. A fact about a call that never arrived, or a second
// arrival, panics: the caller of Apply would lose a call.
func (m *Meter) Apply(f Fact) *Call {
	if f.Kind == CallArrived {
		if m.calls[f.Call] != nil {
			panic(fmt.Sprintf("metering: call %s arrived twice", f.Call))
		}
		m.calls[f.Call] = newCall(f)
		return nil
	}
	c := m.calls[f.Call]
	if c == nil {
		panic(fmt.Sprintf("metering: %s for call %s, which never arrived", f.Kind, f.Call))
	}
	c.apply(f)
	if f.Kind != CallEnded {
		return nil
	}
	delete(m.calls, f.Call)
	return c
}

// Call returns an open call, or nil. Do not change it.
func (m *Meter) Call(id CallID) *Call { return m.calls[id] }

// Each calls f with each open call, in no order. f changes neither the call nor the meter.
func (m *Meter) Each(f func(*Call)) {
	for _, c := range m.calls {
		f(c)
	}
}

// Adopt adds an open call that another meter rebuilt from evidence.
func (m *Meter) Adopt(c *Call) { m.calls[c.ID] = c }

// Drop removes an open call. It gets no record from this meter.
func (m *Meter) Drop(id CallID) { delete(m.calls, id) }

// Len is the number of open calls.
func (m *Meter) Len() int { return len(m.calls) }

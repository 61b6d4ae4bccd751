package metering

import "fmt"

// Meter holds the calls that live. One goroutine uses it.
type Meter struct{ calls map[CallID]*Call }

// NewMeter makes a meter without calls.
func NewMeter() *Meter { return &Meter{calls: map[CallID]*Call{}} }

// Apply folds a fact. When it ends a call, the call leaves the meter and is returned, ready for NewRecord; otherwise nil. A fact
// about a call that never arrived is a broken invariant of the caller's and panics: it would be a lost call.
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

// Call returns a living call, or nil. The caller must not change it.
func (m *Meter) Call(id CallID) *Call { return m.calls[id] }

// Adopt takes over a living call that another meter rebuilt from evidence.
func (m *Meter) Adopt(c *Call) { m.calls[c.ID] = c }

// Len is the number of living calls.
func (m *Meter) Len() int { return len(m.calls) }

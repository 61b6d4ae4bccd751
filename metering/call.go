package metering

import (
	"slices"
	"time"
)

// Segment is a stretch of one call in one state. Segments of a call follow each other without gap
// or overlap.
type Segment struct {
	State    State
	From, To time.Time
	Operator string // Talking and Held
	Queue    string // Talking: the queue that the operator answered for
	Why      string // Unseen: why the PBX could not be seen
}

// QueueVisit is one stay in one queue, from joining it to the operator's answer or to leaving it.
type QueueVisit struct {
	Name             string
	JoinedAt, LeftAt time.Time
}

// Call is what the meter knows of one call: a pure fold over its facts.
type Call struct {
	ID           CallID
	RecordName   string
	Node         string
	Service      string
	Caller       string
	Origin       Origin
	Terms        Terms
	ArrivedAt    time.Time
	EndedAt      time.Time // zero while the call is open
	Segments     []Segment // the last one has a zero To while the call is open
	Queues       []QueueVisit
	Exemption    Exemption
	EndUnseen    bool      // the end was not seen
	EndedBy      string    // one of the EndedBy constants
	AnsweredAt   time.Time // when the caller's own channel went Up; zero if it never did
	Numbers      []string  // the kinds of numbers that the call was led to, each once
	AtDesk       bool      // the caller was at the front desk
	Announcement *Announcement
	Survey       *Survey
	GivenUp      bool      // no lookup will be asked about the caller again
	TalkBegan    time.Time // the first TalkStarted; zero for none
	ChosenAt     time.Time // the first CallerChose; zero for none
	Corrections  []Reason  // why a later version of the record differs from the first
	// DirectionUnknown: the caller may have been called back. TookOver: the call is part of another.
	DirectionUnknown, TookOver bool
}

func newCall(f Fact) *Call {
	c := &Call{
		ID: f.Call, RecordName: f.RecordName, Node: f.Node, Service: f.Service, Caller: f.Caller, Origin: f.Origin,
		ArrivedAt: f.At, DirectionUnknown: f.DirectionUnknown,
	}
	if f.Terms != nil {
		c.Terms = *f.Terms
		if kind := c.Terms.NumberKind; kind != "" {
			c.Numbers = []string{kind}
		}
	}
	c.Segments = []Segment{{State: Waiting, From: f.At}}
	return c
}

// apply folds one fact into the call. Boundaries never step back: Asterisk's timestamps do, by up
// to 8 ms, and talk that would end before it began is empty.
func (c *Call) apply(f Fact) {
	switch f.Kind {
	case CallArrived: // newCall applies it
	case CallerIdentified:
		c.Origin.CallerAlso, c.Origin.CallerUnread = f.Origin.CallerAlso, f.Origin.CallerUnread
		c.Caller = f.Caller
		if c.Exemption.Verdict != ExemptYes { // it was about nobody
			c.Exemption = Exemption{}
		}
	case CallerTookOver:
		c.TookOver = true
	case CallerAnswered:
		c.AnsweredAt = f.At
	case QueueJoined:
		c.Queues = append(c.Queues, QueueVisit{Name: f.Queue, JoinedAt: f.At})
	case QueueLeft:
		c.leaveQueue(f.At)
	case CallerChose:
		if c.Terms.ChoiceMarked && c.ChosenAt.IsZero() {
			c.ChosenAt = f.At
		}
	case TalkStarted:
		if c.TalkBegan.IsZero() {
			c.TalkBegan = f.At
		}
		c.enter(Segment{State: Talking, From: f.At, Operator: f.Operator, Queue: f.Queue})
	case TalkPaused:
		c.enter(Segment{State: f.State, From: f.At, Operator: f.Operator, Why: f.Why})
	case GapStarted:
		c.enter(Segment{State: Unseen, From: f.At, Why: f.Why})
	case GapEnded:
		c.enter(Segment{State: f.State, From: f.At, Operator: f.Operator, Why: f.Why})
	case ExemptionAnswered:
		c.answer(f.Exemption)
	case NumberReached:
		if !slices.Contains(c.Numbers, f.Why) {
			c.Numbers = append(c.Numbers, f.Why)
		}
	case CallerAtDesk:
		c.AtDesk = true
	case AnnouncementMade:
		c.Announcement = f.Announcement
	case SurveyAnswered:
		c.Survey = f.Survey
	case TalkUnproven:
		c.takeBack(f, Unseen)
	case TalkHeld:
		c.takeBack(f, Held)
	case TalkRetracted:
		c.retract(f.At)
	case CallEnded:
		c.leaveQueue(f.At)
		c.EndUnseen, c.EndedBy = f.Unseen, f.Why
		c.EndedAt = c.close(f.At)
	}
}

// answer takes in an answer about the caller's number, or about a code that the caller typed, which
// may come before it and says nothing of the number.
func (c *Call) answer(e Exemption) {
	if e.Attestation == AttestationUnknown {
		e.Attestation = c.Exemption.Attestation
	}
	if c.Exemption.Verdict == ExemptYes {
		c.Exemption.Attestation = e.Attestation
		return
	}
	c.Exemption = e
}

// What ended the call: the Why of [CallEnded].
const (
	EndedByCaller  = "caller"  // the far end of the caller's channel hung up
	EndedByService = "service" // Asterisk hung up the caller's channel
	EndedUnseen    = "unseen"  // the call was gone when the PBX could be seen again
)

// earlyAnswer is how long before the operator's answer the caller's channel may go Up and still
// count as answered by the operator: Queue() answers the caller in the same millisecond, a machine
// under load some milliseconds later.
const earlyAnswer = time.Second

// answeredEarly reports whether the caller's own network charged a wait: see [ReasonAnsweredEarly].
func (c *Call) answeredEarly() bool {
	return !c.AnsweredAt.IsZero() && c.firstTalk().Sub(c.AnsweredAt) > earlyAnswer
}

// firstTalk is when talk first began, also one that was later found unproven, or the end of a call
// without talk.
func (c *Call) firstTalk() time.Time {
	first := c.EndedAt
	if !c.TalkBegan.IsZero() {
		first = c.TalkBegan
	}
	for _, s := range c.Segments {
		if s.State == Talking && s.From.Before(first) {
			return s.From
		}
	}
	return first
}

func (c *Call) enter(s Segment) {
	at := c.close(s.From)
	s.From = at
	c.Segments = append(c.Segments, s)
}

// close ends the open segment at the given instant, or where it began if that is later, and returns
// the boundary. It drops a segment of no length.
func (c *Call) close(at time.Time) time.Time {
	last := &c.Segments[len(c.Segments)-1]
	if at.Before(last.From) {
		at = last.From
	}
	last.To = at
	if !at.After(last.From) && len(c.Segments) > 1 {
		c.Segments = c.Segments[:len(c.Segments)-1]
	}
	return at
}

// retract turns talk after an instant into waiting, in the segments that have ended.
func (c *Call) retract(at time.Time) {
	corrected := make([]Segment, 0, len(c.Segments)+1)
	for i, s := range c.Segments {
		ended := i < len(c.Segments)-1
		switch {
		case !ended || s.State != Talking || !s.To.After(at):
			corrected = append(corrected, s)
		case s.From.Before(at):
			waited := Segment{State: Waiting, From: at, To: s.To}
			s.To = at
			corrected = append(corrected, s, waited)
		default:
			corrected = append(corrected, Segment{State: Waiting, From: s.From, To: s.To})
		}
	}
	c.Segments = corrected
}

// takeBack turns talk between two instants into time of another state. A talk that goes on does so
// from the later one.
func (c *Call) takeBack(f Fact, state State) {
	open := &c.Segments[len(c.Segments)-1]
	if at := f.At; open.State == Talking && f.covers(*open) && at.After(open.From) {
		open.To = at
		rest := *open
		rest.From, rest.To = at, time.Time{}
		c.Segments = append(c.Segments, rest)
	}
	corrected := make([]Segment, 0, len(c.Segments)+1)
	for _, s := range c.Segments {
		ended := !s.To.IsZero()
		if s.State != Talking || !f.covers(s) || !ended || !s.To.After(f.Since) || !f.At.After(s.From) {
			corrected = append(corrected, s)
			continue
		}
		from, to := latest(s.From, f.Since), s.To
		if to.After(f.At) {
			to = f.At
		}
		taken := Segment{State: state, From: from, To: to, Why: f.Why}
		if state == Held {
			taken.Operator = s.Operator
		}
		for _, part := range []Segment{
			{State: Talking, From: s.From, To: from, Operator: s.Operator, Queue: s.Queue},
			taken,
			{State: Talking, From: to, To: s.To, Operator: s.Operator, Queue: s.Queue},
		} {
			corrected = join(corrected, part)
		}
	}
	c.Segments = corrected
}

// join appends a segment that has a length: a hold that goes on to the hold before it.
func join(segments []Segment, s Segment) []Segment {
	if !s.To.After(s.From) {
		return segments
	}
	if n := len(segments); n > 0 && s.State == Held {
		last := &segments[n-1]
		if last.State == Held && last.Operator == s.Operator && last.To.Equal(s.From) {
			last.To = s.To
			return segments
		}
	}
	return append(segments, s)
}

// covers reports whether what is taken back is about the operator of a segment.
func (f Fact) covers(s Segment) bool { return f.Operator == "" || f.Operator == s.Operator }

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (c *Call) leaveQueue(at time.Time) {
	if n := len(c.Queues); n > 0 && c.Queues[n-1].LeftAt.IsZero() {
		v := &c.Queues[n-1]
		if v.LeftAt = at; at.Before(v.JoinedAt) {
			v.LeftAt = v.JoinedAt
		}
	}
}

// TalkTime is how long the call was in talk.
func (c *Call) TalkTime() time.Duration { return c.total(Talking) }

// total is how long the call was in a state.
func (c *Call) total(s State) time.Duration {
	var d time.Duration
	for _, seg := range c.Segments {
		if seg.State == s {
			d += seg.To.Sub(seg.From)
		}
	}
	return d
}

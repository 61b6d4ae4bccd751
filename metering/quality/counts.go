package quality

// Version is the version of what [Counts] count. Sums of different versions do not add up.
const Version = 1

// Counts are exact counts of calls and sums of times in milliseconds. They add up. A zero field is
// left out of the JSON.
type Counts struct {
	// Calls that arrived within the opening hours. Each is one of the four below: answered, abandoned,
	// cut or uncertain.
	Offered int64 `json:"offered,omitzero"`
	// Calls in which an operator talked with the caller.
	Answered int64 `json:"answered,omitzero"`
	// Calls that the caller ended before any operator talked.
	Abandoned int64 `json:"abandoned,omitzero"`
	// Calls that the service ended before any operator talked.
	Cut int64 `json:"cut,omitzero"`
	// Calls of which it was not seen whether an operator talked, or who ended them.
	Uncertain int64 `json:"uncertain,omitzero"`
	// Legs that took the place of another call's leg: parts of that call, so not offered. Only their
	// times and reasons are counted.
	TookOver int64 `json:"took_over,omitzero"`
	// Calls that arrived outside the opening hours of the service: in none of the counts above, nor
	// among the waits and transfers. Their times and reasons are counted.
	Outside Outside `json:"outside,omitzero"`
	// Waits of the abandoned calls, from the choice of an operator. Which of them count as short is
	// said by the report, not here.
	AbandonedWait Histogram `json:"abandoned_wait,omitzero"`
	// First waits of the answered calls: from the choice of an operator, which is joining the first
	// queue or the dialplan's mark, or the arrival where there was none before the answer. A call with
	// unseen time is not among them: an earlier answer may not have been seen.
	Wait Histogram `json:"wait,omitzero"`
	// Calls in wait whose choice of an operator the record tells, and the time from their arrival to
	// it.
	Navigations  int64 `json:"navigations,omitzero"`
	NavigationMs int64 `json:"navigation_ms,omitzero"`
	// Times that a call without unseen time went from one operator to another, and the time from the
	// end of the talk with the one to the talk with the other, on hold or not.
	Transfers  int64 `json:"transfers,omitzero"`
	TransferMs int64 `json:"transfer_ms,omitzero"`
	// The four times of the records, which add up to the whole of the calls.
	WaitedMs int64 `json:"waited_ms,omitzero"`
	HeldMs   int64 `json:"held_ms,omitzero"`
	UnseenMs int64 `json:"unseen_ms,omitzero"`
	TalkMs   int64 `json:"talk_ms,omitzero"`
	// Calls with time on hold, and with unseen time.
	HeldCalls   int64 `json:"held_calls,omitzero"`
	UnseenCalls int64 `json:"unseen_calls,omitzero"`
	// Operators who talked in the calls, each once a call.
	Operators int64 `json:"operators,omitzero"`
	// Calls that cost something, and the talk that was charged in them. The rest of talk_ms is free.
	ChargedCalls int64 `json:"charged_calls,omitzero"`
	ChargedMs    int64 `json:"charged_ms,omitzero"`
	// Calls, and their free talk, by the decisive reason of the charge.
	Reasons ByReason `json:"reasons,omitzero"`
	FreeMs  ByReason `json:"free_ms,omitzero"`
	// The exempt callers' part of these counts.
	Exempt Exempt `json:"exempt,omitzero"`
	// What the callers answered.
	Survey Survey `json:"survey,omitzero"`
	// Who called again: filled from [Repeats] alone.
	Repeat Repeat `json:"repeat,omitzero"`
}

// Exempt is the part of some counts that is of exempt callers. The others are those not known to be
// exempt.
type Exempt struct {
	Offered   int64 `json:"offered,omitzero"`
	Answered  int64 `json:"answered,omitzero"`
	Abandoned int64 `json:"abandoned,omitzero"`
	Cut       int64 `json:"cut,omitzero"`
	Waits     int64 `json:"waits,omitzero"` // first waits, as in wait
	WaitMs    int64 `json:"wait_ms,omitzero"`
	TalkMs    int64 `json:"talk_ms,omitzero"`
}

// Outside counts the calls from outside the opening hours.
type Outside struct {
	Offered   int64 `json:"offered,omitzero"`
	Answered  int64 `json:"answered,omitzero"`
	Abandoned int64 `json:"abandoned,omitzero"`
	Cut       int64 `json:"cut,omitzero"`
	Uncertain int64 `json:"uncertain,omitzero"`
}

// Survey counts the answers to the survey.
type Survey struct {
	// Calls with at least one answer.
	Answered int64 `json:"answered,omitzero"`
	// Calls by how satisfied the caller is, from 1 to 5.
	Satisfaction [5]int64 `json:"satisfaction,omitzero"`
	// Calls whose matter is solved, and is not, as the caller says.
	SolvedYes int64 `json:"solved_yes,omitzero"`
	SolvedNo  int64 `json:"solved_no,omitzero"`
}

// Repeat counts calls with a pseudonym by whether the same caller called the service before and
// again, for each number of days in [RepeatDays].
type Repeat struct {
	// Calls without another one by the caller in so many days before.
	First [len(RepeatDays)]int64 `json:"first,omitzero"`
	// Those of them with another one in so many days after.
	FirstRepeated [len(RepeatDays)]int64 `json:"first_repeated,omitzero"`
	// Calls with another one in so many days before.
	Again [len(RepeatDays)]int64 `json:"again,omitzero"`
}

// Add adds other to c.
func (c *Counts) Add(other Counts) { c.combine(&other, 1) }

// Sub takes out of c what Add put in.
func (c *Counts) Sub(other Counts) { c.combine(&other, -1) }

// IsZero reports whether every count is zero.
func (c Counts) IsZero() bool { return c == Counts{} }

// WholeMs is how long the calls were.
func (c Counts) WholeMs() int64 { return c.WaitedMs + c.HeldMs + c.UnseenMs + c.TalkMs }

func (c *Counts) combine(o *Counts, sign int64) {
	c.Offered += sign * o.Offered
	c.Answered += sign * o.Answered
	c.Abandoned += sign * o.Abandoned
	c.Cut += sign * o.Cut
	c.Uncertain += sign * o.Uncertain
	c.TookOver += sign * o.TookOver
	c.Outside.combine(&o.Outside, sign)
	c.AbandonedWait.combine(&o.AbandonedWait, sign)
	c.Wait.combine(&o.Wait, sign)
	c.Navigations += sign * o.Navigations
	c.NavigationMs += sign * o.NavigationMs
	c.Transfers += sign * o.Transfers
	c.TransferMs += sign * o.TransferMs
	c.WaitedMs += sign * o.WaitedMs
	c.HeldMs += sign * o.HeldMs
	c.UnseenMs += sign * o.UnseenMs
	c.TalkMs += sign * o.TalkMs
	c.HeldCalls += sign * o.HeldCalls
	c.UnseenCalls += sign * o.UnseenCalls
	c.Operators += sign * o.Operators
	c.ChargedCalls += sign * o.ChargedCalls
	c.ChargedMs += sign * o.ChargedMs
	combine(c.Reasons[:], o.Reasons[:], sign)
	combine(c.FreeMs[:], o.FreeMs[:], sign)
	c.Exempt.combine(&o.Exempt, sign)
	c.Survey.Answered += sign * o.Survey.Answered
	combine(c.Survey.Satisfaction[:], o.Survey.Satisfaction[:], sign)
	c.Survey.SolvedYes += sign * o.Survey.SolvedYes
	c.Survey.SolvedNo += sign * o.Survey.SolvedNo
	combine(c.Repeat.First[:], o.Repeat.First[:], sign)
	combine(c.Repeat.FirstRepeated[:], o.Repeat.FirstRepeated[:], sign)
	combine(c.Repeat.Again[:], o.Repeat.Again[:], sign)
}

func (s *Outside) combine(o *Outside, sign int64) {
	s.Offered += sign * o.Offered
	s.Answered += sign * o.Answered
	s.Abandoned += sign * o.Abandoned
	s.Cut += sign * o.Cut
	s.Uncertain += sign * o.Uncertain
}

func (e *Exempt) combine(o *Exempt, sign int64) {
	e.Offered += sign * o.Offered
	e.Answered += sign * o.Answered
	e.Abandoned += sign * o.Abandoned
	e.Cut += sign * o.Cut
	e.Waits += sign * o.Waits
	e.WaitMs += sign * o.WaitMs
	e.TalkMs += sign * o.TalkMs
}

func (h *Histogram) combine(o *Histogram, sign int64) {
	combine(h.Calls[:], o.Calls[:], sign)
	combine(h.Ms[:], o.Ms[:], sign)
}

func combine(c, o []int64, sign int64) {
	for i := range c {
		c[i] += sign * o[i]
	}
}

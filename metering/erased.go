package metering

import "time"

// Erased is the record without the caller's detail, as it is kept after the time that detail may be
// (Codice Privacy art. 123: six months): what was charged and why, and how long everything took, on
// a day. It has no caller, no instants, no operator and no reference to an entitlement, and its
// durations are whole seconds: to the millisecond they would name the call to whoever has the PBX's
// own logs. name takes the place of the call's id, the same in all versions of the call.
func (r Record) Erased(name CallID) Record {
	r.Call, r.Caller, r.ExemptionRef = name, "", ""
	r.ArrivedAt, r.EndedAt = Time{day(r.ArrivedAt.Time)}, Time{day(r.EndedAt.Time)}
	r.CallerAlso, r.Trunk = nil, ""
	r.ChosenAt, r.Queues, r.Talk = Time{}, []QueueEntry{}, []Talk{}
	r.Announcement = nil
	for _, ms := range []*int64{&r.WaitedMs, &r.HeldMs, &r.UnseenMs, &r.TalkMs} {
		*ms = (*ms + 500) / 1000 * 1000
	}
	r.DetailErased = true
	return r
}

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

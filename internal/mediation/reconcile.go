package mediation

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
)

// ErrNoProof means that the CEL does not prove what was not seen, nor that talk was none.
var ErrNoProof = errors.New("the CEL does not prove it")

// ErrLowersOnly is the [ErrNoProof] of a frame that may only lower the charge, where it does not.
var ErrLowersOnly = fmt.Errorf("%w: what forbids a charge might not show", ErrNoProof)

const (
	// Tolerance is how far two accounts of the same talk may differ at each of its ends and still be
	// accounts of one call.
	Tolerance = 100 * time.Millisecond
	// Neighbours is how far apart two accounts may name the same instant: both are Asterisk's own
	// timestamps, of neighbouring events.
	Neighbours = 20 * time.Millisecond
)

// missed are the reasons of unseen time for which events were missed, which the CEL has. It has no
// account of what is not known for any other reason, such as which phone sends no audio, who hears
// in a conference, or how long anything took by a clock that was set.
var missed = map[string]bool{
	ari.GapConnection: true, ari.GapReplaced: true, ari.GapSilence: true, ari.GapOverflow: true,
	ari.GapDeaf: true, ari.GapRestart: true, ari.GapUnreadable: true, ari.GapEndOfTrace: true,
	ari.GapNotWatching: true, ari.GapMissed: true, ari.GapFrames: true,
}

// reconcile corrects an ended call from its second evidence, made from the CEL: it takes out of the
// talk what was none, takes over what makes the call free, and fills the unseen time.
func (r *replay) reconcile(call *metering.Call, frame []byte) error {
	cel, err := r.readAccount(call, frame)
	if err != nil {
		return err
	}
	if err := cel.confirms(call); err != nil {
		return err
	}
	charged := r.out.Records[len(r.out.Records)-1].MayCharge()
	cel.inform(call)
	freed := charged && !call.MayCharge()
	if freed {
		call.NoteCorrection(metering.ReasonReconciled)
	}
	shortened := charged && !freed && call.Shorten(cel.segments, Neighbours) > 0
	if shortened {
		call.NoteCorrection(metering.ReasonShortened)
	}
	err = cel.fill(call)
	if (freed || shortened) && errors.Is(err, ErrNoProof) {
		return nil
	}
	return err
}

// account is a call as the CEL shows it.
type account struct {
	*metering.Call
	segments   []metering.Segment // in which an operator was connected: Talking and Held
	music      bool               // any played in this call
	shown      map[string]bool    // operators whose hold showed as music during talk
	reached    []metering.Fact    // the numbers that the call was led to
	lowersOnly bool
}

// readAccount replays the second evidence. An operator there who was none when the call arrived is
// none.
func (r *replay) readAccount(call *metering.Call, frame []byte) (a account, err error) {
	reconciled, frames, err := evidence.ReadReconciled(frame)
	if err != nil {
		return a, err
	}
	second, out, err := Replay(frames)
	if err != nil {
		return a, fmt.Errorf("the second evidence: %w", err)
	}
	if len(out.Calls) != 1 || out.Calls[0].ID != call.ID {
		return a, errors.New("the second evidence is not of this call, ended")
	}
	a = account{Call: out.Calls[0], shown: map[string]bool{}, lowersOnly: reconciled.LowersOnly}
	a.music = slices.ContainsFunc(out.Events, func(ev ari.Event) bool {
		return ev.Kind == ari.ChannelHold
	})
	for _, f := range out.Facts {
		if f.Kind == metering.NumberReached {
			a.reached = append(a.reached, f)
		}
	}
	for i, s := range a.Segments {
		connected := s.State == metering.Talking || s.State == metering.Held
		if !connected || !r.mediator.rules.Operators.Match(s.Operator) {
			continue
		}
		a.segments = append(a.segments, s)
		if s.State == metering.Held && i > 0 && a.Segments[i-1].State == metering.Talking &&
			startsMusic(out.Events, s.From, second.rules.Operators) {
			a.shown[s.Operator] = true
		}
	}
	return a, nil
}

// MissedIn reports whether the gateway missed events of the call between two instants. A zero one
// stands for the call's beginning or end.
func MissedIn(call *metering.Call, from, to time.Time) bool {
	for _, s := range call.Segments {
		if s.State != metering.Unseen || s.Why != "" && !missed[s.Why] {
			continue
		}
		if !to.IsZero() && to.Before(s.From.Add(-Neighbours)) || from.After(s.To.Add(Neighbours)) {
			continue
		}
		return true
	}
	return call.EndUnseen && (to.IsZero() || !to.Before(call.EndedAt.Add(-Neighbours)))
}

// inform takes over what was missed and may make the whole call free.
func (a account) inform(call *metering.Call) {
	began, answered := time.Time{}, time.Time{}
	for _, s := range a.segments {
		if s.State == metering.Talking && MissedIn(call, s.From, s.From) {
			began = s.From
			break
		}
	}
	if MissedIn(call, a.AnsweredAt, a.AnsweredAt) {
		answered = a.AnsweredAt
	}
	var numbers []string
	for _, f := range a.reached {
		if MissedIn(call, f.At, f.At) {
			numbers = append(numbers, f.Why)
		}
	}
	call.Learn(began, answered, numbers)
}

// startsMusic reports whether at an instant music began on the caller's side. Music on the
// operator's leg is the caller's hold: it tells nothing of how a hold of the operator shows.
func startsMusic(events []ari.Event, at time.Time, operators Globs) bool {
	return slices.ContainsFunc(events, func(ev ari.Event) bool {
		return ev.Kind == ari.ChannelHold && ev.At.Equal(at) &&
			!operators.Match(ev.Channel.Endpoint())
	})
}

// confirms checks that the CEL knows every stretch of talk that was seen. One that lacks rows shows
// no talk where there was some.
func (a account) confirms(call *metering.Call) error {
	for _, s := range call.Segments {
		if s.State != metering.Talking || s.To.Sub(s.From) <= Neighbours {
			continue
		}
		if !slices.ContainsFunc(a.segments, func(other metering.Segment) bool {
			return other.Operator == s.Operator && other.From.Before(s.To) && other.To.After(s.From)
		}) {
			return fmt.Errorf("%w: in the time that was seen, it shows no talk with %s from %s to %s",
				ErrNoProof, s.Operator, metering.Time{Time: s.From}, metering.Time{Time: s.To})
		}
	}
	return nil
}

// fill fills the unseen time of the call. Talk with an operator whose hold might not have shown
// stays unseen.
func (a account) fill(call *metering.Call) error {
	for _, kind := range call.Numbers {
		if !call.Terms.Policy.Allows(kind) {
			return fmt.Errorf("%w: the call was led to a number of the kind %s", ErrNoProof, kind)
		}
	}
	if !a.music || len(a.segments) > 0 && len(a.shown) == 0 {
		return fmt.Errorf("%w: it shows no music in this call during talk, so it might not show "+
			"a hold either", ErrNoProof)
	}
	if a.TookOver {
		return fmt.Errorf("%w: the caller's channel runs no application before it talks, as one that "+
			"takes another's place", ErrNoProof)
	}
	if a.lowersOnly {
		return ErrLowersOnly
	}
	seen, there := seenTalk(call, call.Segments), seenTalk(call, a.segments)
	if (seen - there).Abs() > Tolerance*time.Duration(1+2*len(call.Segments)) {
		return fmt.Errorf("%w: in the time that was seen, it shows %s of talk and the evidence %s",
			ErrNoProof, there, seen)
	}
	proved := slices.Clone(a.segments)
	for i, s := range proved {
		if s.State == metering.Talking && !a.shown[s.Operator] {
			proved[i] = metering.Segment{
				State: metering.Unseen, From: s.From, To: s.To, Why: ari.GapHold,
			}
		}
	}
	if !call.Reconcile(proved, missed, a.EndedAt, a.EndedBy) {
		return fmt.Errorf("%w: it adds nothing", ErrNoProof)
	}
	call.NoteCorrection(metering.ReasonReconciled)
	return nil
}

// seenTalk is how much of the talk in some segments lies in the time in which the call was seen.
func seenTalk(call *metering.Call, segments []metering.Segment) (d time.Duration) {
	for _, seen := range call.Segments {
		if seen.State == metering.Unseen {
			continue
		}
		for _, s := range segments {
			if s.State != metering.Talking {
				continue
			}
			from, to := s.From, s.To
			if from.Before(seen.From) {
				from = seen.From
			}
			if to.After(seen.To) {
				to = seen.To
			}
			if to.After(from) {
				d += to.Sub(from)
			}
		}
	}
	return d
}

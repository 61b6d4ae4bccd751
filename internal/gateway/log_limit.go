package gateway

import (
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/risposta/gateway/internal/logs"
)

// limitWindow is the time in which at most [logs.MostAMinute] lines of an event are written.
const limitWindow = time.Minute

// limited is a core of the log that leaves out lines of events that repeat, and says how many. It
// looks at no clock but that of the lines; its windows are bounded by the events and the PBXs.
type limited struct {
	zapcore.Core
	base  zapcore.Core // without the fields of a PBX
	pbx   string
	state *limitState // all loggers of a gateway have the same
}

type limitState struct {
	mu      sync.Mutex
	windows map[limitKey]*limitCount
	ends    time.Time // when the first of the windows ends; zero: there is none
}

type limitKey struct{ event, pbx string }

type limitCount struct {
	began time.Time
	lines int // written and left out
}

// leftOut is what a window that has ended left out.
type leftOut struct {
	limitKey
	lines int
}

func newLimited(c zapcore.Core) zapcore.Core {
	return &limited{Core: c, base: c, state: &limitState{windows: map[limitKey]*limitCount{}}}
}

// With implements zapcore.Core.
func (l *limited) With(fields []zapcore.Field) zapcore.Core {
	with := *l
	with.Core = l.Core.With(fields)
	for _, f := range fields {
		if f.Key == "pbx" {
			with.pbx = f.String
		}
	}
	return &with
}

// Check implements zapcore.Core.
func (l *limited) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if l.Enabled(e.Level) {
		return ce.AddCore(e, l)
	}
	return ce
}

// Write implements zapcore.Core.
func (l *limited) Write(e zapcore.Entry, fields []zapcore.Field) error {
	event, _ := logs.Find(e.Message)
	write, ended := l.state.count(event.Repeats, limitKey{e.Message, l.pbx}, e.Time)
	if err := l.report(ended, e.Time); err != nil {
		return err
	}
	if !write {
		return nil
	}
	return l.Core.Write(e, fields)
}

// Sync implements zapcore.Core: what was left out so far is reported.
func (l *limited) Sync() error {
	if err := l.report(l.state.end(time.Time{}), time.Now()); err != nil {
		return err
	}
	return l.Core.Sync()
}

func (l *limited) report(ended []leftOut, at time.Time) error {
	for _, o := range ended {
		e := zapcore.Entry{Level: zapcore.WarnLevel, Time: at, Message: logs.LeftOut}
		fields := []zapcore.Field{zap.String("of", o.event), zap.Int("lines", o.lines)}
		if o.pbx != "" {
			fields = append(fields, zap.String("pbx", o.pbx))
		}
		if err := l.base.Write(e, fields); err != nil {
			return err
		}
	}
	return nil
}

// count counts a line of an event that repeats. It returns whether the line is written, and the
// windows that have ended.
func (s *limitState) count(repeats bool, k limitKey, now time.Time) (write bool, ended []leftOut) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ends.IsZero() && !now.Before(s.ends) {
		ended = s.endLocked(now)
	}
	if !repeats {
		return true, ended
	}
	w := s.windows[k]
	if w == nil {
		w = &limitCount{began: now}
		s.windows[k] = w
		if end := now.Add(limitWindow); s.ends.IsZero() || end.Before(s.ends) {
			s.ends = end
		}
	}
	w.lines++
	return w.lines <= logs.MostAMinute, ended
}

// end closes the windows that are over at an instant; for the zero time, all of them.
func (s *limitState) end(now time.Time) []leftOut {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endLocked(now)
}

func (s *limitState) endLocked(now time.Time) (ended []leftOut) {
	s.ends = time.Time{}
	for k, w := range s.windows {
		over := w.began.Add(limitWindow)
		if !now.IsZero() && now.Before(over) {
			if s.ends.IsZero() || over.Before(s.ends) {
				s.ends = over
			}
			continue
		}
		delete(s.windows, k)
		if n := w.lines - logs.MostAMinute; n > 0 {
			ended = append(ended, leftOut{k, n})
		}
	}
	return ended
}

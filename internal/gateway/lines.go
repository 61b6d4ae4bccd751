package gateway

import (
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// lines is where the log's lines go: each by itself, or those of one commit with one write.
type lines struct {
	sink zapcore.WriteSyncer

	mu   sync.Mutex
	held int // how many hold them back
	kept []byte
	err  error // of a write of kept lines, for the next line's writer
}

// maxKept bounds the lines that are held back, in bytes: a pipe takes as much at once.
const maxKept = 64 << 10

// Write implements zapcore.WriteSyncer.
func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == 0 {
		if n, err := l.sink.Write(line); err != nil {
			return n, err
		}
	} else {
		l.kept = append(l.kept, line...)
		if len(l.kept) >= maxKept {
			l.writeKept()
		}
	}
	err := l.err
	l.err = nil
	return len(line), err
}

// Sync implements zapcore.WriteSyncer.
func (l *lines) Sync() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writeKept()
	return l.sink.Sync()
}

// writeKept writes, under the lock, what was held back.
func (l *lines) writeKept() {
	if len(l.kept) == 0 {
		return
	}
	if _, err := l.sink.Write(l.kept); err != nil {
		l.err = err
	}
	l.kept = l.kept[:0]
}

func (l *lines) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held++
}

func (l *lines) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held--; l.held == 0 {
		l.writeKept()
	}
}

// lineCore is a core that writes to lines.
type lineCore struct {
	zapcore.Core
	lines *lines
}

// With implements zapcore.Core.
func (c lineCore) With(fields []zapcore.Field) zapcore.Core {
	return lineCore{c.Core.With(fields), c.lines}
}

// holdLines holds the lines of a logger back until release: they are then written with one write.
func holdLines(log *zap.Logger) (release func()) {
	c, ok := log.Core().(lineCore)
	if !ok {
		return func() {}
	}
	c.lines.hold()
	return c.lines.release
}

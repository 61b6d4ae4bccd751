package ari

import (
	"sync"
	"time"
)

// Frame is what a source puts into the inbox: either Raw, a frame as it came, or Event, the source's own word.
type Frame struct {
	Raw     []byte
	Arrived time.Time // by our own clock; zero where it does not matter
	Total   int       // length of the frame where Raw is only its front; zero otherwise
	Event   *Event    // Gap or SnapshotTaken
}

// Queue is the queue between a source, which must never wait, and the core, which may wait for the disk. It is bounded by frames and by bytes.
type Queue struct {
	mu     sync.Mutex
	frames []Frame
	bytes  int
	max    int
	ready  chan struct{} // holds a token while there may be frames
}

// The bounds of an inbox: at 700 bytes a frame, minutes of a busy PBX while a disk stands still.
const (
	QueueFrames = 1 << 18
	QueueBytes  = 256 << 20
)

// NewQueue makes an inbox for at most maxFrames frames (QueueFrames where that is zero).
func NewQueue(maxFrames int) *Queue {
	if maxFrames <= 0 {
		maxFrames = QueueFrames
	}
	return &Queue{max: maxFrames, ready: make(chan struct{}, 1)}
}

// Put adds a raw frame, or refuses it, at once, when the inbox is full. The source's own word is never refused.
func (q *Queue) Put(f Frame) bool {
	q.mu.Lock()
	full := len(q.frames) >= q.max || q.bytes+len(f.Raw) > QueueBytes
	if f.Event == nil && full {
		q.mu.Unlock()
		return false
	}
	q.frames = append(q.frames, f)
	q.bytes += len(f.Raw)
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return true
}

// Len is the number of frames that wait.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.frames)
}

// HasRoom tells that at most half of the room is taken: after an overflow, the time to look again.
func (q *Queue) HasRoom() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.frames) <= q.max/2 && q.bytes <= QueueBytes/2
}

// Ready yields a token when there may be frames to take.
func (q *Queue) Ready() <-chan struct{} { return q.ready }

// Take removes up to n frames, without waiting.
func (q *Queue) Take(n int) []Frame {
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.frames))
	taken := q.frames[:n:n]
	q.frames = q.frames[n:]
	for i := range taken {
		q.bytes -= len(taken[i].Raw)
	}
	if len(q.frames) == 0 {
		q.frames = nil // let the backing array go once its frames are dealt with
	} else {
		select {
		case q.ready <- struct{}{}:
		default:
		}
	}
	return taken
}

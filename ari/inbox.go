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
	Event   *Event    // SightLost or SightRegained
}

// Inbox is the queue between a source, which must never wait, and the core, which may wait for the disk. It is bounded by frames and by bytes.
type Inbox struct {
	mu     sync.Mutex
	frames []Frame
	bytes  int
	max    int
	ready  chan struct{} // holds a token while there may be frames
}

// The bounds of an inbox: at 700 bytes a frame, minutes of a busy PBX while a disk stands still.
const (
	InboxFrames = 1 << 18
	InboxBytes  = 256 << 20
)

// NewInbox makes an inbox for at most maxFrames frames (InboxFrames where that is zero).
func NewInbox(maxFrames int) *Inbox {
	if maxFrames <= 0 {
		maxFrames = InboxFrames
	}
	return &Inbox{max: maxFrames, ready: make(chan struct{}, 1)}
}

// Put adds a raw frame, or refuses it, at once, when the inbox is full. The source's own word is never refused.
func (q *Inbox) Put(f Frame) bool {
	q.mu.Lock()
	full := len(q.frames) >= q.max || q.bytes+len(f.Raw) > InboxBytes
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
func (q *Inbox) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.frames)
}

// Roomy tells that at most half of the room is taken: after an overflow, the time to look again.
func (q *Inbox) Roomy() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.frames) <= q.max/2 && q.bytes <= InboxBytes/2
}

// Ready yields a token when there may be frames to take.
func (q *Inbox) Ready() <-chan struct{} { return q.ready }

// Take removes up to n frames, without waiting.
func (q *Inbox) Take(n int) []Frame {
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

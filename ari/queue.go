package ari

import "sync"

// Queue passes frames from a [Source], which must never wait, to a reader that may wait for the
// disk. It is bounded by frames and by bytes. Its methods may be called by several goroutines.
type Queue struct {
	mu     sync.Mutex
	frames []Frame
	bytes  int
	limit  int
	ready  chan struct{} // holds a token while there may be frames
	many   chan struct{} // holds a token while there may be QueueBatch frames
}

// The bounds of a queue: at 700 bytes a frame, minutes of a busy PBX while a disk stands still.
const (
	QueueFrames = 1 << 18
	QueueBytes  = 256 << 20
)

// QueueBatch is how many frames are worth taking at once: at some thousand the cost of one commit no
// longer counts.
const QueueBatch = 4096

// NewQueue makes a queue of at most maxFrames frames, or of QueueFrames where that is zero.
func NewQueue(maxFrames int) *Queue {
	if maxFrames <= 0 {
		maxFrames = QueueFrames
	}
	return &Queue{
		limit: maxFrames, ready: make(chan struct{}, 1), many: make(chan struct{}, 1),
	}
}

// Put adds a frame, or refuses a raw one when the queue is full: false. It never waits. An event of
// the source's own, such as Gap, is never refused.
func (q *Queue) Put(f Frame) bool {
	if !q.Keep(f) {
		return false
	}
	signal(q.ready)
	return true
}

// Keep adds a frame as Put does, and leaves it to HandOver to wake the reader: once for many frames.
// QueueBatch of them wake it by themselves.
func (q *Queue) Keep(f Frame) bool {
	q.mu.Lock()
	full := len(q.frames) >= q.limit || q.bytes+f.Size() > QueueBytes
	if f.Event == nil && full {
		q.mu.Unlock()
		return false
	}
	q.frames = append(q.frames, f)
	q.bytes += f.Size()
	many := len(q.frames) >= QueueBatch
	q.mu.Unlock()
	if many {
		signal(q.many)
	}
	return true
}

// HandOver wakes the reader where there is something to take.
func (q *Queue) HandOver() {
	if q.Len() > 0 {
		signal(q.ready)
	}
}

// signal puts a token into a channel that holds none.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Len returns the number of frames that wait.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.frames)
}

// HasRoom reports whether the queue is at most half full: after an overflow, time for a snapshot.
func (q *Queue) HasRoom() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.frames) <= q.limit/2 && q.bytes <= QueueBytes/2
}

// Ready yields a token when there may be frames to take.
func (q *Queue) Ready() <-chan struct{} { return q.ready }

// Many yields a token when there may be QueueBatch frames to take.
func (q *Queue) Many() <-chan struct{} { return q.many }

// Take removes up to n frames, without waiting.
func (q *Queue) Take(n int) []Frame {
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.frames))
	taken := q.frames[:n:n]
	q.frames = q.frames[n:]
	for i := range taken {
		q.bytes -= taken[i].Size()
	}
	if len(q.frames) == 0 {
		q.frames = nil // frees the backing array once its frames have been processed
		return taken
	}
	signal(q.ready)
	if len(q.frames) >= QueueBatch {
		signal(q.many)
	}
	return taken
}

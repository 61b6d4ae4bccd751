package tap

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/risposta/gateway/ari/cluster"
)

// The sizes of segments: whole ones are removed, so the journal has at most one more than it needs.
const (
	segmentsOf   = 16 // of the whole journal
	maxSegment   = 16 << 20
	segmentAge   = time.Minute // so that calls that are over do not stay on the disk of a quiet PBX
	journalLimit = 1 << 20     // the least: one batch must fit in beside another
)

// errFull: the journal has as many bytes as it may have.
var errFull = errors.New("the journal is full: what is in it was not passed by a meter")

// journal keeps batches in files until a meter has passed them. One goroutine appends; any may read.
type journal struct {
	folder string
	limit  int64
	lock   *os.File

	mu       sync.Mutex
	segments []*segment // the oldest first; the last one is written to
	file     *os.File   // of the last one; nil: the next batch begins another
	began    time.Time  // when it was made
	bytes    int64      // of all segments
	node     string
	last     cluster.Place // of all frames
	grown    chan struct{} // holds a token when there is more to read
	freed    chan struct{} // holds a token when there is more room
}

// openJournal opens the journal of a folder, which it makes. The end that a crash has torn is cut off.
func openJournal(folder string, limit int64) (*journal, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the journal: %w", err)
	}
	lock, err := lockFolder(folder)
	if err != nil {
		return nil, err
	}
	j := &journal{
		folder: folder, limit: max(limit, journalLimit), lock: lock,
		grown: make(chan struct{}, 1), freed: make(chan struct{}, 1),
	}
	if err := j.load(); err != nil {
		return nil, errors.Join(err, j.close())
	}
	signal(j.grown)
	return j, nil
}

// load reads what the last run has left.
func (j *journal) load() error {
	paths, err := filepath.Glob(filepath.Join(j.folder, "*.frames"))
	if err != nil {
		return fmt.Errorf("reading the folder of the journal: %w", err)
	}
	slices.Sort(paths) // their numbers have 16 digits each
	for _, path := range paths {
		var number uint64
		if _, err := fmt.Sscanf(filepath.Base(path), "%016x.frames", &number); err != nil {
			return fmt.Errorf("reading the folder of the journal: %s does not belong there", path)
		}
		s, err := scan(path, number)
		if err != nil {
			return err
		}
		if s.batches == 0 {
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("removing an empty file of the journal: %w", err)
			}
			continue
		}
		j.segments, j.bytes = append(j.segments, s), j.bytes+s.bytes
		if j.last.Before(s.last) {
			j.last = s.last
		}
	}
	return j.readNode()
}

// readNode reads whose frames the journal has.
func (j *journal) readNode() error {
	c := j.from(cluster.Place{})
	defer c.close()
	m, err := c.next()
	if err != nil || m == nil {
		return err
	}
	j.node = m.Node
	return nil
}

// lockFolder keeps a second tap out.
func lockFolder(folder string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the journal: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(
			fmt.Errorf("locking the journal: another tap uses the folder %s: %w", folder, err), f.Close())
	}
	return f, nil
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.lock.Close()
	if j.file != nil {
		err = errors.Join(err, j.file.Close())
		j.file = nil
	}
	return err
}

// append writes a batch, and returns when it is on the disk. Where it fails nothing is in the journal,
// and the next try goes into another file: what the kernel has of this one is not known any more.
func (j *journal) append(m *cluster.Message) error {
	bytes := record(m.Encode())
	j.mu.Lock()
	full := j.bytes+int64(len(bytes)+len(segmentHead)) > j.limit && len(j.segments) > 0
	j.mu.Unlock()
	if full {
		return errFull
	}
	if err := j.roll(int64(len(bytes))); err != nil {
		return err
	}
	s := j.newest()
	_, err := j.file.WriteAt(bytes, s.bytes)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		_ = j.file.Truncate(s.bytes) // where that fails, too, the next start finds the batch twice
		_ = j.file.Close()
		j.file = nil
		return fmt.Errorf("writing the journal: %w", err)
	}
	j.mu.Lock()
	s.has(m, int64(len(bytes)))
	j.bytes += int64(len(bytes))
	j.last, j.node = m.Last(), m.Node
	j.mu.Unlock()
	signal(j.grown)
	return nil
}

// roll begins another file where the one that is written is long or old enough.
func (j *journal) roll(more int64) error {
	if j.file != nil {
		s := j.newest()
		if s.bytes+more <= min(maxSegment, j.limit/segmentsOf) && time.Since(j.began) < segmentAge ||
			s.batches == 0 {
			return nil
		}
		err := j.file.Close()
		if j.file = nil; err != nil {
			return fmt.Errorf("writing the journal: %w", err)
		}
	}
	number := uint64(1)
	if s := j.newest(); s != nil {
		number = s.number + 1
	}
	path := filepath.Join(j.folder, fmt.Sprintf("%016x.frames", number))
	// A file of a try that failed has nothing in it.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("beginning a file of the journal: %w", err)
	}
	_, err = f.WriteString(segmentHead)
	if err == nil {
		err = syncFolder(j.folder)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("beginning a file of the journal: %w", err), f.Close())
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	head := int64(len(segmentHead))
	j.file, j.began = f, time.Now()
	if n := len(j.segments); n > 0 && j.segments[n-1].batches == 0 { // of a try that failed
		j.bytes -= j.segments[n-1].bytes
		_ = os.Remove(j.segments[n-1].path) // where that fails the next start finds the batch twice
		j.segments = j.segments[:n-1]
	}
	j.segments = append(j.segments, &segment{path: path, number: number, bytes: head})
	j.bytes += head
	return nil
}

// newest is the segment that is written; nil: there is none.
func (j *journal) newest() *segment {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.segments) == 0 {
		return nil
	}
	return j.segments[len(j.segments)-1]
}

// pass removes the files all of whose frames a meter has passed, but for the one that is written. A
// place that the journal has not reached is none of its own.
func (j *journal) pass(p cluster.Place) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.last.Before(p) {
		return nil
	}
	for len(j.segments) > 1 && !p.Before(j.segments[0].last) {
		s := j.segments[0]
		if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing what was passed: %w", err)
		}
		j.segments, j.bytes = j.segments[1:], j.bytes-s.bytes
		signal(j.freed)
	}
	return nil
}

// size is how much the journal has, and may have.
func (j *journal) size() (bytes, limit int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bytes, j.limit
}

// end is whose frames the journal has, and the place of the last one.
func (j *journal) end() (node string, last cluster.Place) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.node, j.last
}

// signal puts a token into a channel that holds none.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

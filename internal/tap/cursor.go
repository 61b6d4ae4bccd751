package tap

import (
	"errors"
	"fmt"
	"os"

	"github.com/risposta/gateway/ari/cluster"
)

// cursor reads the batches of a journal one behind the other. It is for one goroutine.
type cursor struct {
	journal *journal
	after   cluster.Place // batches that end before it, or there, are left out
	number  uint64        // of the segment
	offset  int64
	file    *os.File // of the segment; nil: not opened yet
}

// from is a cursor in front of the first batch that has a frame behind a place.
func (j *journal) from(after cluster.Place) *cursor { return &cursor{journal: j, after: after} }

func (c *cursor) close() {
	if c.file != nil {
		_ = c.file.Close() // it was only read
		c.file = nil
	}
}

// segment is the one that is read at present, or the first one behind it that the place may be in. ok is
// false where there is none.
func (c *cursor) segment() (path string, end int64, ok bool) {
	j := c.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.segments {
		if s.number < c.number || !c.after.Before(s.last) {
			continue
		}
		if s.number != c.number {
			c.close()
			c.number, c.offset = s.number, int64(len(segmentHead))
		}
		return s.path, s.bytes, true
	}
	return "", 0, false
}

// next returns the next batch; nil: there is none yet.
func (c *cursor) next() (*cluster.Message, error) {
	for {
		path, end, ok := c.segment()
		if !ok {
			return nil, nil
		}
		if c.file == nil {
			f, err := os.Open(path)
			if errors.Is(err, os.ErrNotExist) {
				c.skip() // it was passed meanwhile
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("reading the journal: %w", err)
			}
			c.file = f
		}
		if c.offset >= end {
			c.skip()
			continue
		}
		content, err := readRecord(c.file, c.offset, end)
		if err == nil {
			c.offset += int64(recordHead + len(content))
			var m cluster.Message
			if m, err = cluster.ParseMessage(content); err == nil {
				if last := m.Last(); c.after.Before(last) {
					c.after = last
					return &m, nil
				}
				continue
			}
		}
		c.skip() // what the disk has spoilt is missing, as what follows shows
		return nil, fmt.Errorf("reading the journal: %s at %d: %w", path, c.offset, err)
	}
}

// skip goes on behind the segment.
func (c *cursor) skip() {
	c.close()
	c.number++
	c.offset = int64(len(segmentHead))
}

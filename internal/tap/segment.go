package tap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/risposta/gateway/ari/cluster"
)

// A segment is a file of the journal: a head, then records. A record is the length and the CRC-32C
// (RFC 3720) of its content, four bytes each, little-endian, then a whole [cluster.Message].

const (
	segmentHead = "risposta tap 1\n"
	recordHead  = 8
	// maxRecord is more than a batch may have: a longer one is what a torn write has left.
	maxRecord = 128 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segment is what is known of one file.
type segment struct {
	path        string
	number      uint64
	first, last cluster.Place // of its frames; last is zero where it has none
	bytes       int64         // that are whole, and on the disk
	batches     int
}

// record is the content with its length and checksum.
func record(content []byte) []byte {
	b := make([]byte, recordHead, recordHead+len(content))
	binary.LittleEndian.PutUint32(b, uint32(len(content)))
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(content, castagnoli))
	return append(b, content...)
}

// errTorn is what ends a file that was being written when the machine or the program ended.
var errTorn = errors.New("the record is not whole")

// readRecord reads the record at an offset, of a file that is whole up to end.
func readRecord(f io.ReaderAt, at, end int64) ([]byte, error) {
	var head [recordHead]byte
	if at+recordHead > end {
		return nil, errTorn
	}
	if _, err := f.ReadAt(head[:], at); err != nil {
		return nil, err
	}
	length := int64(binary.LittleEndian.Uint32(head[:]))
	if length == 0 || length > maxRecord || at+recordHead+length > end {
		return nil, errTorn
	}
	content := make([]byte, length)
	if _, err := f.ReadAt(content, at+recordHead); err != nil {
		return nil, err
	}
	if crc32.Checksum(content, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, errTorn
	}
	return content, nil
}

// scan reads a segment up to its first record that is not whole, and cuts it there. A record that is
// not whole was never sent: it is sent once it is on the disk.
func scan(path string, number uint64) (s *segment, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	s = &segment{path: path, number: number, bytes: int64(len(segmentHead))}
	head := make([]byte, len(segmentHead))
	if n, _ := f.ReadAt(head, 0); n < len(head) || bytes.Equal(head, make([]byte, len(head))) {
		return s, nil // it was just begun: the head reaches the disk with the first record
	}
	if string(head) != segmentHead {
		return nil, fmt.Errorf("reading the journal: %s is no file of this version's journal", path)
	}
	for s.bytes < info.Size() {
		content, err := readRecord(f, s.bytes, info.Size())
		if errors.Is(err, errTorn) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading the journal: %s: %w", path, err)
		}
		m, err := cluster.ParseMessage(content)
		if err != nil {
			return nil, fmt.Errorf("reading the journal: %s: %w", path, err)
		}
		s.has(&m, int64(recordHead+len(content)))
	}
	if s.bytes == info.Size() {
		return s, nil
	}
	if err := errors.Join(f.Truncate(s.bytes), f.Sync()); err != nil {
		return nil, fmt.Errorf("cutting off the end of %s: %w", path, err)
	}
	return s, nil
}

// has notes a record.
func (s *segment) has(m *cluster.Message, bytes int64) {
	if s.batches == 0 {
		s.first = m.First
	}
	if last := m.Last(); s.last.Before(last) {
		s.last = last
	}
	s.bytes += bytes
	s.batches++
}

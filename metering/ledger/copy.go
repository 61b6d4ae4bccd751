package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
)

// Entry is one row of a ledger as it is copied from one store to another. Its values are int64,
// string, []byte or nil.
type Entry struct {
	Table  string
	Values []any
}

// Table is a table of entries. A store may keep the same in another way.
type Table struct {
	Name    string
	Columns []string
	Key     int // how many of the columns, from the first one, the rows are ordered by
}

// Tables are all that a ledger is copied as, in this order.
var Tables = []Table{
	{"node", []string{"node", "watermark", "checkpoint", "last_batch"}, 1},
	{"open_call", []string{
		"seq", "call", "node", "service", "arrived_at", "encrypted_caller",
	}, 1},
	{"open_evidence", []string{"id", "frames"}, 1},
	{"record", []string{
		"seq", "record", "call", "version", "service", "arrived_at", "json", "erased_at",
	}, 1},
	{"evidence", []string{"seq", "frames"}, 1},
	{"erased", []string{"one", "before"}, 1},
	{"quality", []string{"day", "hour", "service", "queue", "operator", "counts"}, 5},
	{"quality_counted", []string{"one", "seq"}, 1},
	{"quality_closed", []string{"one", "day"}, 1},
	{"quality_repeats", []string{"one", "day"}, 1},
	{"pending_record", []string{"call", "arrived_at", "encrypted_caller"}, 1},
	{"reject", []string{"seq", "node", "at", "bytes", "type", "sha256", "error"}, 1},
	{"leaf", []string{"n", "record", "text"}, 1},
	{"leaf_hash", []string{"i", "hash"}, 1},
	{"head", []string{"seq", "n", "at", "note"}, 1},
	{"dispute", []string{"call", "opened_at", "closed_at", "note"}, 1},
	{"noted_register", []string{"one", "state"}, 1},
	{"payer", []string{"call", "encrypted_caller", "sealed"}, 1},
	{"payers_kept", []string{"one"}, 1},
	{"delivery", []string{"sink", "next", "until"}, 1},
	{"dead_letter", []string{
		"sink", "position", "record", "at", "tries", "why", "state",
	}, 2},
}

// RowsOfACall is how many rows of open evidence a call may have: the id of a row is the open call's
// seq times this, and a count.
const RowsOfACall = 1 << 24

// Dumper reads a whole ledger.
type Dumper interface {
	// Dump calls f with every entry of one state of the ledger, in the order of Tables, and of the
	// keys in each. A store of the whole ledger of a cluster has none where there are logs of nodes:
	// each node is one.
	Dump(ctx context.Context, f func(Entry) error) error
}

// ErrNotEmpty says that a ledger is not copied into one that holds something.
var ErrNotEmpty = errors.New("the ledger is not empty")

// Loader fills an empty ledger.
type Loader interface {
	// Load writes all that dump calls its function with, in one transaction: all of it or nothing.
	// Before it commits it reads everything back, and fails where that is not the same. ErrNotEmpty
	// where the ledger has anything.
	Load(ctx context.Context, dump func(ctx context.Context, f func(Entry) error) error) (Sum, error)
}

// Sum is what was copied: how many rows of each table, and a hash of all of them.
type Sum struct {
	Rows map[string]int64
	Hash [sha256.Size]byte
}

// Summer computes a Sum.
type Summer struct {
	rows map[string]int64
	hash hash.Hash
}

// NewSummer is a Summer of nothing yet.
func NewSummer() *Summer { return &Summer{map[string]int64{}, sha256.New()} }

// Add adds an entry.
func (s *Summer) Add(e Entry) {
	s.rows[e.Table]++
	s.write('t', []byte(e.Table))
	for _, value := range e.Values {
		switch v := value.(type) {
		case nil:
			s.write('n', nil)
		case int64:
			s.write('i', binary.BigEndian.AppendUint64(nil, uint64(v)))
		case string:
			s.write('s', []byte(v))
		case []byte:
			s.write('b', v)
		default:
			panic(fmt.Sprintf("ledger: a value of type %T is copied", value)) // Entry's contract
		}
	}
}

func (s *Summer) write(kind byte, value []byte) {
	head := binary.BigEndian.AppendUint64([]byte{kind}, uint64(len(value)))
	s.hash.Write(head) // a hash takes everything
	s.hash.Write(value)
}

// Sum is that of the entries so far.
func (s *Summer) Sum() Sum {
	sum := Sum{Rows: s.rows}
	s.hash.Sum(sum.Hash[:0])
	return sum
}

// Compare tells what is not the same as in another one.
func (s Sum) Compare(readBack Sum) error {
	for _, t := range Tables {
		if a, b := s.Rows[t.Name], readBack.Rows[t.Name]; a != b {
			return fmt.Errorf("%d rows of %s were copied, and %d are there", a, t.Name, b)
		}
	}
	if s.Hash != readBack.Hash {
		return errors.New("what was copied is not what is there: a row has another content")
	}
	return nil
}

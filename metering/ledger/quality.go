package ledger

import (
	"context"
	"encoding/json"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger/merkle"
	"github.com/risposta/gateway/metering/quality"
)

// QualityReader reads the counts of metering/quality. A store keeps them with the commit that makes
// a record, corrects them with the version that supersedes it, and leaves them as they are when the
// record's detail is erased. The counts of a day get a leaf in the ledger log when the log is first
// signed on a later day, and from then on with each change.
type QualityReader interface {
	// Quality calls f with the rows of a service, or of all for "", of the calls that arrived on the
	// days of an interval: from that of since, before that of until, in UTC; zero: no limit. The rows
	// come in the order of their keys.
	Quality(
		ctx context.Context, since, until time.Time, service string, f func(quality.Row) error,
	) error
}

// Repeats keeps who called again, which one record does not tell: a day's counts get it once the
// days in which its callers may call again are over.
type Repeats interface {
	// AddRepeats adds rows of a day, as [quality.Repeats] makes them, to its counts, in one
	// transaction. From then on the repeats of that day and of all days before it are counted: adding
	// them again changes nothing. ErrBroken where a row is of another day.
	AddRepeats(ctx context.Context, day string, rows []quality.Row) error
	RepeatReader
}

// RepeatReader reads how far repeats are counted.
type RepeatReader interface {
	// RepeatsUntil is the first day whose repeats are not counted yet, "" where none are.
	RepeatsUntil(ctx context.Context) (day string, err error)
}

// QualityChange is what the newest version of a call's record changes in the counts. before is the
// newest version so far; nil: there is none.
func QualityChange(before, after *metering.Record) []quality.Row {
	var rows []quality.Row
	if before != nil {
		for _, row := range quality.Of(*before) {
			var taken quality.Counts
			taken.Sub(row.Counts)
			rows = append(rows, quality.Row{Key: row.Key, Counts: taken})
		}
	}
	rows = append(rows, quality.Of(*after)...)
	return quality.Merge(rows)
}

// QualityLeaf is the leaf of the ledger log for the counts of a day, whose rows are in the order of
// their keys.
func QualityLeaf(day string, rows []quality.Row) merkle.Leaf {
	var text []byte
	for _, row := range rows {
		line, err := json.Marshal(row)
		if err != nil {
			panic("ledger: counts do not encode: " + err.Error()) // every field can be encoded
		}
		text = append(append(text, line...), '\n')
	}
	return merkle.NewLeaf(merkle.Quality, day, text)
}

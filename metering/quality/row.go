package quality

import (
	"cmp"
	"slices"
)

// Key is what a row is about: a service, one of its queues or one of its operators, in one hour.
type Key struct {
	// Day on which the calls arrived, in UTC: 2026-11-23.
	Day string `json:"day"`
	// Hour in which the calls arrived, in UTC, from 0 to 23.
	Hour int `json:"hour"`
	// Service is the service's name in the configuration.
	Service string `json:"service"`
	// Queue is the first queue that the calls joined. Left out: the row is of another level.
	Queue string `json:"queue,omitzero"`
	// Operator is an operator's endpoint. Left out: the row is of another level.
	Operator string `json:"operator,omitzero"`
}

// Level is what a row counts. Rows of different levels count the same calls: only rows of one level
// add up.
type Level string

// The levels.
const (
	LevelService  Level = "service"
	LevelQueue    Level = "queue"
	LevelOperator Level = "operator"
)

// Level is the level of the key's row.
func (k Key) Level() Level {
	switch {
	case k.Operator != "":
		return LevelOperator
	case k.Queue != "":
		return LevelQueue
	}
	return LevelService
}

// Compare orders keys by day, hour, service, queue and operator.
func (k Key) Compare(other Key) int {
	return cmp.Or(cmp.Compare(k.Day, other.Day), cmp.Compare(k.Hour, other.Hour),
		cmp.Compare(k.Service, other.Service), cmp.Compare(k.Queue, other.Queue),
		cmp.Compare(k.Operator, other.Operator))
}

// Row is what is counted under one key.
type Row struct {
	Key
	Counts
}

// Merge adds up the rows of each key. The keys of the result are in order, and none of its rows is
// zero.
func Merge(rows []Row) []Row {
	sums := map[Key]*Counts{}
	for _, r := range rows {
		if sums[r.Key] == nil {
			sums[r.Key] = &Counts{}
		}
		sums[r.Key].Add(r.Counts)
	}
	merged := make([]Row, 0, len(sums))
	for k, c := range sums {
		if !c.IsZero() {
			merged = append(merged, Row{k, *c})
		}
	}
	slices.SortFunc(merged, func(a, b Row) int { return a.Compare(b.Key) })
	return merged
}

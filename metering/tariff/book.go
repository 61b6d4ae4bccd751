package tariff

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Dated is a price that is in force from From until just before Until. A zero From or Until is
// open.
type Dated struct {
	Tariff
	From, Until time.Time
}

// Book holds the prices of one name in the order of time.
type Book []Dated

// NewBook puts the prices of one name in order. Prices that overlap, or that leave a time between
// them without a price, are an error: either would surprise somebody on a bill.
func NewBook(prices []Dated) (Book, error) {
	b := slices.Clone(prices)
	slices.SortStableFunc(b, func(x, y Dated) int { return x.From.Compare(y.From) })
	var errs []error
	for i, d := range b {
		if !d.Until.IsZero() && !d.From.Before(d.Until) {
			errs = append(errs, fmt.Errorf("is in force from %s until %s, which is not later",
				startText(d.From), endText(d.Until)))
		}
		if i == 0 {
			continue
		}
		switch last := b[i-1]; {
		case last.Until.IsZero() || d.From.Before(last.Until):
			errs = append(errs, fmt.Errorf("overlaps with another price of this name: "+
				"one is in force until %s, the next from %s", endText(last.Until), startText(d.From)))
		case d.From.After(last.Until):
			errs = append(errs, fmt.Errorf("leaves a gap: a price of this name ends at %s, "+
				"the next begins at %s", endText(last.Until), startText(d.From)))
		}
	}
	return b, errors.Join(errs...)
}

func startText(t time.Time) string {
	if t.IsZero() {
		return "the beginning"
	}
	return t.Format(time.RFC3339)
}

func endText(t time.Time) string {
	if t.IsZero() {
		return "an open end"
	}
	return t.Format(time.RFC3339)
}

// At is the price in force at an instant, with the price of its band where it has bands. Nil: there
// is none.
func (b Book) At(at time.Time) *Tariff {
	for i := range b {
		d := &b[i]
		if !at.Before(d.From) && (d.Until.IsZero() || at.Before(d.Until)) {
			flat := d.At(at)
			return &flat
		}
	}
	return nil
}

package tariff

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Dated is a price and when it is in force: from From up to and without Until. A zero From or Until is open.
type Dated struct {
	Tariff
	From, Until time.Time
}

// Book holds the prices of one name, one after the other.
type Book []Dated

// NewBook puts the prices of one name in order. Prices that overlap, or leave a time between them without a price, are an error:
// either would be a surprise on somebody's bill.
func NewBook(prices []Dated) (Book, error) {
	b := slices.Clone(prices)
	slices.SortStableFunc(b, func(x, y Dated) int { return x.From.Compare(y.From) })
	var errs []error
	for i, d := range b {
		if !d.Until.IsZero() && !d.From.Before(d.Until) {
			errs = append(errs, fmt.Errorf("is in force from %s until %s, which is not later", day(d.From), day(d.Until)))
		}
		if i == 0 {
			continue
		}
		switch last := b[i-1]; {
		case last.Until.IsZero() || d.From.Before(last.Until):
			errs = append(errs, fmt.Errorf("overlaps with another of its name: one is in force until %s, the next from %s", day(last.Until), day(d.From)))
		case d.From.After(last.Until):
			errs = append(errs, fmt.Errorf("leaves a gap: one of its name ends at %s, the next begins at %s", day(last.Until), day(d.From)))
		}
	}
	return b, errors.Join(errs...)
}

func day(t time.Time) string {
	if t.IsZero() {
		return "ever"
	}
	return t.Format(time.RFC3339)
}

// At is the price in force at an instant, its band's where it has bands; nil where there is none.
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

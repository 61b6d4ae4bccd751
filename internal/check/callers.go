package check

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/risposta/gateway/internal/ledgers"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/numbering"
)

const (
	// callersSince is how far back the callers' numbers of the ledger are looked through.
	callersSince = 7 * 24 * time.Hour
	// unreadShare of a trunk's calls, one in twenty, may have a number that is not understood: wrong
	// numbers of single callers. More is a form that the configuration does not know.
	unreadShare = 20
	// maxTrunks bounds the trunks that are reported: those with most unread numbers come first.
	maxTrunks = 20
)

// numbers reports the age of what numbers are read by.
func (c Checks) numbers(now time.Time) {
	const where = "numbering"
	age, err := numbering.TableAge(now)
	if err != nil {
		c.fail(where, "the date of the table of numbers: %v", err)
		return
	}
	c.ok(where, "the table of numbers is of %s, %d days old; from %s",
		numbering.TableDate, int(age.Hours()/24), numbering.Sources)
}

// trunkCalls are the calls of one trunk.
type trunkCalls struct{ all, unread, withheld int }

// callers reports for each trunk how many callers' numbers were not understood. Such callers are
// free, because it cannot be known whether they are exempt.
func (c Checks) callers(ctx context.Context, now time.Time) {
	where := "ledger.file"
	if c.conf.Ledger.File == "" {
		where = "ledger.postgres"
	}
	l, err := ledgers.Open(ctx, c.conf.Ledger, ledger.ReadOnly)
	if ledgers.IsNone(err) {
		return // no call has come yet
	}
	if err != nil {
		c.fail(where, "%v", err)
		return
	}
	trunks, err := readTrunks(ctx, l, now.Add(-callersSince))
	if err = errors.Join(err, l.Close()); err != nil {
		c.fail(where, "reading the calls of the last days: %v", err)
		return
	}
	names := slices.SortedFunc(maps.Keys(trunks), func(a, b string) int {
		return cmp.Or(cmp.Compare(trunks[b].unread, trunks[a].unread), cmp.Compare(a, b))
	})
	for _, name := range names[:min(len(names), maxTrunks)] {
		t := trunks[name]
		text := fmt.Sprintf("of the callers' numbers of %d calls in the last %d days %d were withheld "+
			"and %d not understood", t.all, int(callersSince.Hours()/24), t.withheld, t.unread)
		if t.unread*unreadShare > t.all {
			c.fail(name, "%s: calls whose caller cannot be looked up are free; see "+
				"callers.country_code and callers.outside_prefixes, or have the trunk send +39...", text)
			continue
		}
		c.ok(name, "%s", text)
	}
}

// readTrunks counts the calls that arrived since an instant, by trunk. Erased calls have none.
func readTrunks(
	ctx context.Context, l ledger.Reader, since time.Time,
) (map[string]trunkCalls, error) {
	trunks := map[string]trunkCalls{}
	err := l.Records(ctx, ledger.Query{Since: since}, func(text []byte) error {
		var r struct {
			Trunk        string `json:"trunk"`
			Caller       string `json:"caller"`
			CallerUnread bool   `json:"caller_unread"`
		}
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("reading a record: %w", err)
		}
		if r.Trunk == "" {
			return nil
		}
		t := trunks[r.Trunk]
		t.all++
		switch {
		case r.CallerUnread:
			t.unread++
		case r.Caller == "":
			t.withheld++
		}
		trunks[r.Trunk] = t
		return nil
	})
	return trunks, err
}

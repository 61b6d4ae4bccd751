package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/risposta/gateway/internal/ledgers"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering/ledger"
)

// patterns fails for each pattern of operators that matches no endpoint of any PBX. Where a PBX did
// not answer, which is a failure of its own, nothing is known.
func (c Checks) patterns(endpoints []string, complete bool) {
	const where = "operators"
	for _, pattern := range c.conf.Operators {
		globs, err := mediation.NewGlobs(pattern)
		switch {
		case err != nil:
			c.fail(where, "%v", err)
		case slices.ContainsFunc(endpoints, globs.Match):
			c.ok(where, "%s matches an endpoint", pattern)
		case !complete:
			c.note(where, "whether %s matches an endpoint is not known: a PBX did not answer", pattern)
		default:
			c.fail(where, "%s matches no endpoint that a PBX lists: talk with whom it means is free",
				pattern)
		}
	}
}

// roles tell whether an endpoint is an operator's, and whether paid calls may come from it.
func (c Checks) roles() (operator, caller func(endpoint string) bool, err error) {
	operators, err := mediation.NewGlobs(c.conf.Operators...)
	if err != nil {
		return nil, nil, fmt.Errorf("operators: %w", err)
	}
	anybody := false // a service takes calls of everybody who is no operator
	var named []string
	for _, s := range c.conf.Services {
		anybody = anybody || len(s.Callers) == 0
		named = append(named, s.Callers...)
	}
	callers, err := mediation.NewGlobs(named...)
	if err != nil {
		return nil, nil, fmt.Errorf("services: callers: %w", err)
	}
	return operators.Match, func(endpoint string) bool {
		return callers.Match(endpoint) || anybody && !operators.Match(endpoint)
	}, nil
}

// queuesSince is how far back the ledger is read for names of queues.
const queuesSince = 30 * 24 * time.Hour

// queues are the queues that the calls of the last days waited in, sorted.
func (c Checks) queues(ctx context.Context) (names []string, err error) {
	l, err := ledgers.Open(ctx, c.conf.Ledger, ledger.ReadOnly)
	if ledgers.IsNone(err) {
		return nil, nil // no call has come yet
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	seen := map[string]bool{}
	q := ledger.Query{Since: time.Now().Add(-queuesSince)}
	err = l.Records(ctx, q, func(text []byte) error {
		var r struct {
			Queues []struct {
				Name string `json:"name"`
			} `json:"queues"`
		}
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("reading a record: %w", err)
		}
		for _, queue := range r.Queues {
			seen[queue.Name] = true
		}
		return nil
	})
	return slices.Sorted(maps.Keys(seen)), err
}

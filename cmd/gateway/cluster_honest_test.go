//go:build live

package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/internal/rerating"
	"github.com/risposta/gateway/internal/retention"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// meteredNow is what meters do that come later: f gets the ledger of the first node, and of all.
func (c *clusterLedger) meteredNow(
	t *testing.T, meter string, f func(node ledger.Metered, whole ledger.Store) error,
) {
	t.Helper()
	meters := openCluster(t, c.dsn, meter)
	err := f(metered(t, meters, nodes[0]), meters.Whole())
	if err := errors.Join(err, meters.Close()); err != nil {
		t.Fatal(err)
	}
}

func eraseAll(t *testing.T, whole ledger.Store) error {
	_, err := retention.Erase(t.Context(), whole, time.Now(), time.Now())
	return err
}

func creditFirst(t *testing.T, node ledger.Metered, whole ledger.Store) error {
	e := metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-1"}
	_, err := rerating.Supersede(t.Context(), whole, callOf(t, node),
		rerating.Resolved(e, metering.ReasonCredited, time.Now()))
	return err
}

func disputeAgain(t *testing.T, node ledger.Metered, whole ledger.Store) error {
	call := callOf(t, node)
	return errors.Join(whole.CloseDispute(t.Context(), call, time.Now()),
		whole.OpenDispute(t.Context(), call, time.Now(), "case 7, again"),
		whole.CloseDispute(t.Context(), call, time.Now()))
}

func (c *clusterLedger) signAgain(t *testing.T, l ledger.LogSigner) error {
	signer, err := audit.Signer(c.key, true)
	if err == nil {
		_, _, err = l.SignLog(t.Context(), time.Now(), signer)
	}
	return err
}

// clusterHistories are what may rightly happen to the ledger of a cluster.
var clusterHistories = map[string]func(*testing.T, *clusterLedger, ledger.Metered, ledger.Store) error{
	"nothing happens": func(*testing.T, *clusterLedger, ledger.Metered, ledger.Store) error { return nil },
	"old detail is erased": func(t *testing.T, _ *clusterLedger, _ ledger.Metered, whole ledger.Store) error {
		return eraseAll(t, whole)
	},
	"a caller is credited": func(t *testing.T, _ *clusterLedger, node ledger.Metered, whole ledger.Store) error {
		return creditFirst(t, node, whole)
	},
	"a dispute, twice": func(t *testing.T, _ *clusterLedger, node ledger.Metered, whole ledger.Store) error {
		return disputeAgain(t, node, whole)
	},
	"a credited call is erased after its dispute": func(
		t *testing.T, _ *clusterLedger, node ledger.Metered, whole ledger.Store,
	) error {
		return errors.Join(creditFirst(t, node, whole), disputeAgain(t, node, whole), eraseAll(t, whole))
	},
	"the register changes, of a node and of all": func(
		t *testing.T, c *clusterLedger, node ledger.Metered, whole ledger.Store,
	) (err error) {
		for i := range 3 {
			err = errors.Join(err, node.NoteRegister(t.Context(), fmt.Append(nil, i)))
		}
		return errors.Join(err, whole.NoteRegister(t.Context(), []byte("{}")), c.signAgain(t, whole))
	},
	"a backup is put in place": func(
		t *testing.T, c *clusterLedger, node ledger.Metered, whole ledger.Store,
	) error {
		c.execute(t, strings.ReplaceAll(c.reset, "node; INSERT INTO node OVERRIDING SYSTEM VALUE TABLE kept.node",
			"node; INSERT INTO node TABLE kept.node; UPDATE node SET epoch = 9")) // not the leases
		meters := openCluster(t, c.dsn, "after")
		err := creditFirst(t, metered(t, meters, nodes[0]), meters.Whole())
		return errors.Join(err, meters.Close())
	},
	"the key is rotated, and signs, and the node passes to another meter": func(
		t *testing.T, c *clusterLedger, node ledger.Metered, whole ledger.Store,
	) error {
		err := errors.Join(audit.RotateKey(c.key), creditFirst(t, node, whole), c.signAgain(t, node))
		for range 3 {
			err = errors.Join(err, c.signAgain(t, node)) // nothing new
		}
		_, lost := c.conn.Exec(t.Context(), `UPDATE node SET expires_at = clock_timestamp()`)
		meters := openCluster(t, c.dsn, "next")
		next := metered(t, meters, nodes[0])
		return errors.Join(err, lost, disputeAgain(t, next, meters.Whole()), c.signAgain(t, next), meters.Close())
	},
}

// What may rightly happen to the ledger of a cluster accuses nobody, with old heads and without.
func TestLiveVerifyAccusesNoNode(t *testing.T) {
	t.Parallel()
	c := signedCluster(t)
	for name, happens := range clusterHistories {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { c.execute(t, c.reset) })
			c.meteredNow(t, "later", func(node ledger.Metered, whole ledger.Store) error {
				return happens(t, c, node, whole)
			})
			for _, heads := range [][]string{nil, c.withHeads()} {
				if _, out, code := c.verify(t, heads...); code != 0 || strings.Contains(out, "FAIL") {
					t.Errorf("heads %q: exit %d:\n%s", heads, code, out)
				}
			}
		})
	}
}

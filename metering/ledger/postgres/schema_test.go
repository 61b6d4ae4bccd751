//go:build live

package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/postgres"
)

// nextRelease takes the service out of open calls: a release that does not know it must not commit.
const nextRelease = `ALTER TABLE open_call DROP COLUMN service;`

func wantRefused(t *testing.T, what string, err error, says ...string) {
	t.Helper()
	for _, text := range says {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %q", what, err, text)
		}
	}
}

// A meter or gateway of an older release refuses a database of a newer one, and says why.
func TestLiveAnOlderReleaseRefusesANewerSchema(t *testing.T) {
	dsn := newDatabase(t, server)
	older := postgres.Releases()
	postgres.Release(t, nextRelease)
	take(t, meter(t, dsn, "newer"), "pbx1")
	older()
	const says = "has version 2, and this release knows version 1: install the newer release here"
	if c, err := postgres.OpenCluster(t.Context(), dsn, "older"); err == nil {
		t.Error("an older meter opened a newer ledger", c.Close())
	} else {
		wantRefused(t, "an older meter", err, says)
	}
	for _, mode := range []ledger.Mode{ledger.ReadOnly, ledger.ReadWrite, ledger.Exclusive} {
		l, err := open(t, dsn, mode)
		if err == nil {
			err = errors.Join(errors.New("opened"), l.Close())
		}
		wantRefused(t, "an older command", err, says)
	}
}

// A newer release brings an older database up to date only when no meter and no gateway of the older
// one is alive, and reads none that is not up to date. A meter that was away meanwhile gets no node.
func TestLiveANewerReleaseWaitsForTheOlderMeters(t *testing.T) {
	dsn := newDatabase(t, server)
	older := postgres.Releases()
	c := meter(t, dsn, "older")
	m := take(t, c, "pbx1")
	begin(t, m, "pbx1")
	if _, err := c.Meet(t.Context()); err != nil {
		t.Fatal(err)
	}
	postgres.Release(t, nextRelease)
	newer := postgres.Releases()
	wantNoMeter(t, dsn, "has version 1, and this release has 2", "stop the meters first", "older/")
	_, err := open(t, dsn, ledger.ReadOnly)
	wantRefused(t, "a newer command", err, "has version 1, and this release needs 2", "start a meter")
	older()
	if err := m.Commit(t.Context(), oneCall("pbx1", "c1", 0)); err != nil {
		t.Fatalf("nothing was changed, and a commit fails: %v", err)
	}
	execute(t, dsn, `UPDATE risposta.meter SET expires_at = clock_timestamp() - interval '1 minute'`)
	runOut(t, dsn, c) // it is cut off
	gateway, err := open(t, dsn, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	newer()
	wantNoMeter(t, dsn, ledger.ErrLocked.Error())
	if err := gateway.Close(); err != nil {
		t.Fatal(err)
	}
	second := meter(t, dsn, "newer")
	older()
	if err := m.Commit(t.Context(), oneCall("pbx1", "c2", 1)); !errors.Is(err, ledger.ErrFenced) {
		t.Errorf("an older meter that comes back commits: %v, want ErrFenced", err)
	}
	_, err = c.Meet(t.Context())
	wantRefused(t, "an older meter that comes back", err, "has version 2, and this release knows version 1")
	newer()
	position, err := take(t, second, "pbx1").Position(t.Context())
	if err != nil || position.Seq != 1 {
		t.Errorf("the newer meter goes on from %+v, %v", position, err)
	}
}

func wantNoMeter(t *testing.T, dsn string, says ...string) {
	t.Helper()
	c, err := postgres.OpenCluster(context.WithoutCancel(t.Context()), dsn, "newer")
	if err == nil {
		err = errors.Join(errors.New("opened"), c.Close())
	}
	wantRefused(t, "a newer meter beside older ones", err, says...)
}

// A position or an epoch that was set back writes no call twice, and lets nobody commit who is behind.
func TestLiveWhatIsSetBackCountsNothingTwice(t *testing.T) {
	dsn := newDatabase(t, server)
	first, second := meter(t, dsn, "first"), meter(t, dsn, "second")
	a := take(t, first, "pbx1")
	begin(t, a, "pbx1")
	runOut(t, dsn, first)
	b := take(t, second, "pbx1")
	if err := b.Commit(t.Context(), oneCall("pbx1", "c1", 0)); err != nil {
		t.Fatal(err)
	}
	execute(t, dsn, `UPDATE risposta.node SET epoch = epoch - 1 WHERE node = 'pbx1'`)
	again := oneCall("pbx1", "c2", 0)
	again.ID = "again"
	if err := a.Commit(t.Context(), again); !errors.Is(err, ledger.ErrFenced) {
		t.Errorf("under an epoch that was set back: %v, want ErrFenced", err)
	}
	execute(t, dsn, `UPDATE risposta.node SET epoch = epoch + 1, seq = 0, last_batch = NULL
		WHERE node = 'pbx1'`)
	var found *ledger.Contradiction
	err := b.Commit(t.Context(), oneCall("pbx1", "c1", 0))
	if !errors.As(err, &found) || len(found.Calls) != 1 || !found.Calls[0].Recorded {
		t.Errorf("the frames of a call again: %v", err)
	}
	wantRecords(t, second.Whole(), "r-c11")
}

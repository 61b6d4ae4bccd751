package check_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	_ "github.com/risposta/gateway/metering/ledger/sqlite" // the store of a plain path
)

// called is a number of calls on a trunk, some days ago.
type called struct {
	trunk  string
	days   int
	calls  int
	unread int // of them
	hidden int // of them, withheld
}

// writeLedger makes a ledger of calls where the configuration has its own.
func writeLedger(t *testing.T, conf *config.Config, all ...called) {
	t.Helper()
	l, err := ledger.Open(t.Context(), conf.Ledger.File, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	var opened, ended ledger.Batch
	for _, c := range all {
		at := time.Now().AddDate(0, 0, -c.days)
		for i := range c.calls {
			id := metering.CallID(fmt.Sprintf("%s-%d-%d", c.trunk, c.days, i))
			opened.Opened = append(opened.Opened, ledger.OpenCall{Call: id, Service: "help", ArrivedAt: at})
			opened.Evidence = append(opened.Evidence, ledger.Evidence{Call: id, Frame: []byte("1")})
			r := metering.Record{
				Record: "r-" + string(id), Version: 1, Call: id, Service: "help", Caller: "c-x",
				Trunk: c.trunk, ArrivedAt: metering.Time{Time: at}, EndedAt: metering.Time{Time: at},
				CallerUnread: i < c.unread,
			}
			if i < c.unread+c.hidden {
				r.Caller = ""
			}
			ended.Records = append(ended.Records, r)
		}
	}
	for _, b := range []*ledger.Batch{&opened, &ended} {
		if err := l.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestMachineReportsNumbersThatWereNotUnderstood(t *testing.T) {
	conf := configured(t, t.TempDir(), "")
	writeLedger(t, conf,
		called{trunk: "PJSIP/good", days: 1, calls: 40, unread: 2, hidden: 3},
		called{trunk: "PJSIP/bad", days: 2, calls: 10, unread: 4},
		called{trunk: "PJSIP/bad", days: 9, calls: 90},
		called{trunk: "PJSIP/former", days: 8, calls: 5, unread: 5})
	got := findings(conf, machine)
	if len(got) != 5 {
		t.Fatalf("got %q, want two findings about trunks", got)
	}
	for i, want := range []string{
		"true PJSIP/bad: of the callers' numbers of 10 calls in the last 7 days 0 were withheld " +
			"and 4 not understood: ",
		"false PJSIP/good: of the callers' numbers of 40 calls in the last 7 days 3 were withheld " +
			"and 2 not understood",
	} {
		if !strings.HasPrefix(got[i+2], want) {
			t.Errorf("got %q, want %q", got[i+2], want)
		}
	}
}

func TestMachineReportsALedgerThatCannotBeRead(t *testing.T) {
	conf := configured(t, t.TempDir(), "")
	if err := os.WriteFile(conf.Ledger.File, []byte("no ledger"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := findings(conf, machine)
	if len(got) != 4 || !strings.HasPrefix(got[2], "true ledger.file: ") {
		t.Errorf("got %q", got)
	}
}

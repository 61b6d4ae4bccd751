//go:build live

package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/integration/lab"
)

// invoiceConfig has a service in each of three currencies, with tax.
const invoiceConfig = `
pbx:
  - {name: fake, url: "{{ari}}", username: risposta}
  - {name: live, url: "LIVE", username: risposta}
operators: ["PJSIP/agent*", "PJSIP/op*"]
services:
  - {number: "2001", context: from-trunk, name: euros, tariff: euros, did: "+390612345678"}
  - {number: "2002", context: from-trunk, name: yen, tariff: yen, did: "+390612345678"}
  - {number: "2003", context: from-trunk, name: dinars, tariff: dinars, did: "+390612345678"}
tariffs:
  - {name: euros, per_minute: "59.87", increment: 1s, currency: EUR, tax: included, tax_percent: "22"}
  - {name: yen, per_minute: "77", increment: 1s, currency: JPY, tax: added, tax_percent: "10", cap_per_call: "4"}
  - {name: dinars, per_minute: "7.777", increment: 1s, currency: KWD, tax: included, tax_percent: "5"}
law: {policy: it}
callers: {country_code: "39"}
ledger: {file: "{{dir}}/ledger.db"}
admin: {listen: "{{admin}}"}
billing: {payer: "PAYER"}
delivery:
  - name: table
    fields: [service, caller, currency, gross, gross_minor, net, tax, tax_percent, reasons, payer]
    postgres: {table: risposta_calls}
  - name: jsonl
    fields: [caller, currency, gross, gross_change_minor, exempt, payer]
    file: {folder: "{{dir}}/jsonl", format: jsonl, every: 1s}
`

// invoice is the billing department, and what it is billed for.
type invoice struct {
	ctx    context.Context
	dir    string
	gw     *lab.Gateway
	conn   *pgx.Conn
	id     *age.X25519Identity
	centre *aritest.Centre
	live   *livePhones
}

func newInvoice(ctx context.Context, t *testing.T, seed uint64) *invoice {
	t.Helper()
	pg, err := lab.StartPostgres(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	in := &invoice{ctx: ctx, dir: t.TempDir()}
	if in.conn, err = pgx.Connect(ctx, pg.DSN()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.conn.Close(context.WithoutCancel(ctx)) })
	if in.id, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(in.dir, "jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	in.centre = aritest.NewCentre(pbx, seed)
	in.centre.Dial(numberOf(0), numberOf(1), numberOf(2))
	in.live = newLivePhones(ctx, t)
	config := strings.NewReplacer("PAYER", in.id.Recipient().String(), "LIVE", in.live.pbx.URL()).
		Replace(invoiceConfig)
	if in.gw, err = lab.NewGateway(gatewayBinary, in.dir, pbx.URL(), config); err != nil {
		t.Fatal(err)
	}
	in.gw.Setenv("RISPOSTA_PBX_0_PASSWORD", aritest.Password)
	in.gw.Setenv("RISPOSTA_PBX_1_PASSWORD", lab.ARIPassword)
	in.gw.Setenv("RISPOSTA_DELIVERY_0_POSTGRES_DSN", pg.DSN())
	return in
}

// play plays some calls at once, to their end.
func (in *invoice) play(calls int) {
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			in.centre.Call(in.ctx, aritest.Times{
				Wait: 300 * time.Millisecond, Talk: 1500 * time.Millisecond, Hold: 200 * time.Millisecond,
			})
		})
	}
	all.Wait()
}

// exempt imports entitlements from a day on of every tenth number, beginning with one.
func (in *invoice) exempt(t *testing.T, first int, from time.Time) {
	t.Helper()
	var list strings.Builder
	list.WriteString("number,from,until,ref,category\n")
	for n := first; n <= 900; n += 10 {
		fmt.Fprintf(&list, "+39061234%04d,%s,,e-%d,test\n", n, from.Format(time.DateOnly), n)
	}
	file := filepath.Join(in.dir, fmt.Sprintf("exempt-%d.csv", first))
	if err := os.WriteFile(file, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code, err := in.gw.Command(in.ctx, "exempt", "import", file); err != nil || code != 0 {
		t.Fatalf("exempt import: exit %d, %v: %s", code, err, out)
	}
}

// untilRecords waits until SQL on the ledger counts some versions.
func (in *invoice) untilRecords(t *testing.T, what, where string, enough func(n int) bool) {
	t.Helper()
	err := lab.Until(in.ctx, 3*time.Minute, what, func() error {
		n := countRecords(in.ctx, t, filepath.Join(in.dir, "ledger.db"), where)
		if !enough(n) {
			return fmt.Errorf("there are %d", n)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, in.gw.Log())
	}
}

// Two hundred calls at three services, in euros, yen and dinars, twelve of them through a real Asterisk
// and the others replayed, in one ledger: some of exempt callers; some that end while the register is
// away, pending until it is back; some credited after they were delivered. What the department holds in
// the end is what the ledger has, to the last minor unit; whoever pays is known to it, and to nobody else.
func TestLiveInvoice(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	in := newInvoice(ctx, t, seed)
	if err := in.gw.Start(); err != nil {
		t.Fatal(err)
	}
	if err := in.gw.WaitReady(ctx, 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	in.exempt(t, 1, time.Now())
	in.live.call(t, liveExempt, liveCredited, livePays)
	for range 4 {
		in.play(25)
	}
	register := filepath.Join(in.dir, "exempt.db")
	if err := os.Rename(register, register+".away"); err != nil {
		t.Fatal(err)
	}
	in.live.call(t, livePending)
	in.play(25)
	in.play(25)
	in.untilRecords(t, "pending records", `json_extract(json, '$.state') = 'pending'`,
		func(n int) bool { return n > 0 })
	if err := os.Rename(register+".away", register); err != nil {
		t.Fatal(err)
	}
	in.play(25)
	in.play(25 - in.live.calls)
	file := filepath.Join(in.dir, "ledger.db")
	in.untilRecords(t, "200 calls", `version = 1`, func(n int) bool { return n == 200 })
	in.untilRecords(t, "pending records to be resolved", `json_extract(json, '$.state') = 'pending' AND
		NOT EXISTS (SELECT 1 FROM record n WHERE n.call = record.call AND n.version > record.version)`,
		func(n int) bool { return n == 0 })
	verified(ctx, t, in.gw, "table")
	in.exempt(t, 4, time.Now().AddDate(0, 0, -1)) // after the delivery
	in.untilRecords(t, "credits", `CAST(json AS TEXT) LIKE '%"credited"%'`, func(n int) bool { return n > 0 })
	verified(ctx, t, in.gw, "table")
	verified(ctx, t, in.gw, "jsonl")
	wantSums(ctx, t, in.conn, file)
	for what, where := range map[string]string{
		"exempt": `json_extract(json, '$.exempt') = 1`, "resolved": `CAST(json AS TEXT) LIKE '%"resolved"%'`,
		"credited": `CAST(json AS TEXT) LIKE '%"credited"%'`, "charged": charges("record"),
	} {
		n := countRecords(ctx, t, file, where)
		t.Logf("%d versions are %s", n, what)
		if n == 0 {
			t.Errorf("no version is %s", what)
		}
	}
	in.wantLive(t, in.live)
	in.wantChangesInFiles(t, file)
	in.wantPayers(t)
	if code, err := in.gw.Terminate(ctx); err != nil || code != 0 {
		t.Errorf("exit %d, %v", code, err)
	}
}

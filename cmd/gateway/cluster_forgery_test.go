//go:build live

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/postgres"
)

// nodes are those of the cluster: each has the same two calls, under names of its own.
var nodes = []string{"pbx1", "pbx2"}

// clusterLedger is the ledger of a cluster that is forged, and put back.
type clusterLedger struct {
	dsn   string
	home  home
	key   string   // the file of the key that signs
	heads []string // files of the nodes' newest heads, in the order of nodes
	conn  *pgx.Conn
	reset string // puts all rows back
}

// signedCluster is the counterpart of signedLedger and disputeAndRegister: of each node, two calls, a
// head of the empty log and one of all; of the first node a dispute and a state of the register.
func signedCluster(t *testing.T) *clusterLedger {
	t.Helper()
	dir := t.TempDir()
	c := &clusterLedger{
		dsn: startPostgres(t).DSN(), home: newHome(t, testKey), key: filepath.Join(dir, "ledger.key"),
	}
	inPostgres(t, c.home, c.dsn)
	meters := openCluster(t, c.dsn, "meter")
	for _, node := range nodes {
		l := metered(t, meters, node)
		sign(t, l, strings.TrimSuffix(c.key, ".key"))
		commitTraces(t, l, node)
		h := sign(t, l, strings.TrimSuffix(c.key, ".key"))
		head := filepath.Join(dir, node+".head")
		if err := os.WriteFile(head, h.Note, 0o600); err != nil {
			t.Fatal(err)
		}
		c.heads = append(c.heads, head)
		if node != nodes[0] {
			continue
		}
		if err := l.NoteRegister(t.Context(), []byte("{}")); err != nil {
			t.Fatal(err)
		}
		if err := l.OpenDispute(t.Context(), callOf(t, l), time.Now(), "case 7"); err != nil {
			t.Fatal(err)
		}
	}
	if err := meters.Close(); err != nil {
		t.Fatal(err)
	}
	c.keep(t)
	return c
}

// keep keeps all rows as they are.
func (c *clusterLedger) keep(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, c.dsn+" search_path=risposta")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	c.conn = conn
	found, err := conn.Query(ctx, `
		SELECT tablename FROM pg_tables WHERE schemaname = 'risposta' AND tablename NOT LIKE 'goose%'`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	kept := "CREATE SCHEMA kept;"
	for _, table := range tables {
		kept += fmt.Sprintf("CREATE TABLE kept.%[1]s AS TABLE %[1]s;", table)
		c.reset += fmt.Sprintf(
			"DELETE FROM %[1]s; INSERT INTO %[1]s OVERRIDING SYSTEM VALUE TABLE kept.%[1]s;", table)
	}
	c.execute(t, kept)
}

func (c *clusterLedger) execute(t *testing.T, statements string) {
	t.Helper()
	_, err := c.conn.PgConn().Exec(context.WithoutCancel(t.Context()), statements).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
}

func openCluster(t *testing.T, dsn, meter string) *postgres.Cluster {
	t.Helper()
	c, err := postgres.OpenCluster(t.Context(), dsn, meter)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// metered takes a node and opens its ledger.
func metered(t *testing.T, c *postgres.Cluster, node string) ledger.Metered {
	t.Helper()
	if err := c.AddNode(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	lease, err := c.Take(t.Context(), node)
	if err != nil {
		t.Fatal(err)
	}
	return c.Open(lease)
}

// callOf is the first call of a ledger, which is charged.
func callOf(t *testing.T, l ledger.Log) (call metering.CallID) {
	t.Helper()
	err := l.EveryRecord(t.Context(), func(row ledger.Row) error {
		if call == "" {
			call = row.Call
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return call
}

// commitTraces commits recorded calls as if they were those of the node.
func commitTraces(t *testing.T, l ledger.Writer, node string) {
	t.Helper()
	conf, err := config.Parse(
		"gw.yaml", []byte(readConfig), testSecrets, config.AllSecrets, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := conf.Rules()
	if err != nil {
		t.Fatal(err)
	}
	p := mediation.New(rules)
	for _, trace := range []string{"hold-transfer", "announced"} {
		text, err := os.ReadFile(filepath.Join("../../integration/testdata/traces", trace, "ari.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.ReplaceAll(text, []byte("02:fc:00:00:00:01"), []byte(node))
		text = bytes.ReplaceAll(text, []byte(`"pbx1-`), []byte(`"`+node+`-`))
		for line := range bytes.Lines(text) {
			var out mediation.Output
			p.Feed(ari.Frame{Raw: bytes.TrimSpace(line)}, &out)
			answerNotExempt(p, &out)
			out.Node = node
			if len(out.Parts()) == 0 {
				continue
			}
			if err := l.Commit(t.Context(), &out.Batch); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// verify verifies the ledger, and returns what was printed of each log, by its node.
func (c *clusterLedger) verify(
	t *testing.T, args ...string,
) (of map[string]string, all string, code int) {
	t.Helper()
	var out strings.Builder
	code = run(t.Context(), append([]string{
		"verify", "--key", c.key + ".pub", "--config", c.home.path("gw.yaml"),
	}, args...), []string{"RISPOSTA_PBX_0_PASSWORD=x"}, &out, &out)
	of = map[string]string{}
	for _, part := range strings.Split("\n"+out.String(), "\nnode ")[1:] {
		node, text, _ := strings.Cut(part, ":\n")
		of[node] = text
	}
	return of, out.String(), code
}

// withHeads are the arguments that name the heads that were kept elsewhere.
func (c *clusterLedger) withHeads() (args []string) {
	for _, head := range c.heads {
		args = append(args, "--head", head)
	}
	return args
}

// Each forgery of the ledger in a file is named in a cluster's, too, of the node that it is about
// and of no other.
func TestLiveVerifyNamesForgeriesOfANode(t *testing.T) {
	t.Parallel()
	c := signedCluster(t)
	made := 0
	for _, files := range []map[string]forgery{recordForgeries, logForgeries, countForgeries} {
		for name, inFile := range files {
			made++
			t.Run(name, func(t *testing.T) {
				forged, ok := nodeRecordForgeries[name]
				if !ok {
					forged, ok = nodeLogForgeries[name]
				}
				if !ok || forged.alone != inFile.alone {
					t.Fatalf("its counterpart in PostgreSQL is %+v", forged)
				}
				c.forge(t, forged.forge)
				of, all, code := c.verify(t, c.withHeads()...)
				if code != exitFailed || !strings.Contains(all, forged.want) ||
					strings.Contains(of["pbx2"], "FAIL") {
					t.Errorf("with heads: exit %d, want %q of pbx1 alone:\n%s", code, forged.want, all)
				}
				of, all, code = c.verify(t)
				if (code == exitFailed && strings.Contains(of["pbx1"], forged.want)) != forged.alone ||
					strings.Contains(of["pbx2"], "FAIL") ||
					!strings.Contains(all, "NO HEAD FROM OUTSIDE WAS GIVEN") {
					t.Errorf("without: exit %d, want %q: %v:\n%s", code, forged.want, forged.alone, all)
				}
			})
		}
	}
	if n := len(nodeRecordForgeries) + len(nodeLogForgeries); made != n {
		t.Errorf("%d forgeries in PostgreSQL, %d in a file", n, made)
	}
}

// What only a cluster has is named, too; docs/reliability.md has the table.
func TestLiveVerifyNamesForgeriesOfACluster(t *testing.T) {
	t.Parallel()
	c := signedCluster(t)
	var table []string
	for name, forged := range clusterForgeries {
		said := map[bool]string{true: "named", false: "not named"}
		table = append(table, fmt.Sprintf("| %s | %s | %s |", name, said[forged.kept], said[forged.alone]))
		t.Run(name, func(t *testing.T) {
			c.forge(t, forged.forge)
			for _, given := range []struct {
				heads []string
				named bool
			}{{c.withHeads(), forged.kept}, {nil, forged.alone}} {
				_, all, code := c.verify(t, given.heads...)
				if (code == exitFailed && strings.Contains(all, forged.want)) != given.named {
					t.Errorf("heads %q: exit %d, want %q: %v:\n%s",
						given.heads, code, forged.want, given.named, all)
				}
				if !given.named && code != 0 {
					t.Errorf("heads %q: exit %d, and not for %q:\n%s", given.heads, code, forged.want, all)
				}
			}
		})
	}
	wantTable(t, "| forgery of a cluster | with heads | without |\n|---|---|---|\n", table)
}

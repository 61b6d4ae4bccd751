//go:build live

package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	"github.com/risposta/gateway/integration/lab"
)

// secureSinks are two that are to get everything, and others whose server is not the right one, or does
// not encrypt.
const secureSinks = `delivery:
  - name: bus
    fields: [service, gross]
    nats: {url: "tls://127.0.0.1:NATS", ca_file: "{{dir}}/ca.pem"}
  - name: table
    fields: [service, currency, gross, gross_minor]
    postgres: {table: risposta_calls}
  - name: bus_of_other_ca
    fields: [service]
    nats: {url: "tls://127.0.0.1:NATS", ca_file: "{{dir}}/other.pem"}
  - name: bus_of_the_machines_cas
    fields: [service]
    nats: {url: "tls://127.0.0.1:NATS"}
  - name: bus_in_clear
    fields: [service]
    nats: {url: "tls://127.0.0.1:PLAIN", ca_file: "{{dir}}/ca.pem"}
  - name: table_of_other_ca
    fields: [service]
    postgres: {table: other_ca}
  - name: table_of_other_name
    fields: [service]
    postgres: {table: other_name}
  - name: table_in_clear
    fields: [service]
    postgres: {table: in_clear}
`

// Records reach NATS and PostgreSQL over TLS, with certificates of an own CA. Nothing reaches a server
// whose certificate is of another CA, or that does not encrypt.
func TestLiveDeliveredOverTLS(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	ca, cert, key := authority(t)
	other, _, _ := authority(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"ca.pem": ca, "other.pem": other, "c.pem": cert, "k.pem": key} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	pg, err := lab.StartPostgresTLS(ctx, lab.TLS{Cert: cert, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	binary, err := natsBinary()
	if err != nil {
		t.Fatal(err)
	}
	bus, err := lab.NewNATS(binary, t.TempDir(), "--tls", "--tlscert", in("c.pem"), "--tlskey", in("k.pem"))
	if err == nil {
		err = bus.Start(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Stop)
	makeStream(ctx, t, bus.URL(), nats.RootCAs(in("ca.pem")))
	plain := startNATS(ctx, t)
	port := func(url string) string { return url[strings.LastIndexByte(url, ':')+1:] }
	head, _, _ := strings.Cut(deliveryConfig, "delivery:")
	config := strings.NewReplacer("NATS", port(bus.URL()), "PLAIN", port(plain.URL())).Replace(secureSinks)
	gw, err := lab.NewGateway(gatewayBinary, dir, "", head+config)
	if err != nil {
		t.Fatal(err)
	}
	dsn := func(host, more string) string {
		d := strings.Replace(pg.DSN(), "host=127.0.0.1", "host="+host, 1)
		return strings.Replace(d, "sslmode=disable", more, 1)
	}
	verify := "sslmode=verify-full sslrootcert="
	right := dsn("127.0.0.1", verify+in("ca.pem"))
	gw.Setenv("RISPOSTA_DELIVERY_1_POSTGRES_DSN", right)
	gw.Setenv("RISPOSTA_DELIVERY_5_POSTGRES_DSN", dsn("127.0.0.1", verify+in("other.pem")))
	gw.Setenv("RISPOSTA_DELIVERY_6_POSTGRES_DSN",
		dsn("other.example", verify+in("ca.pem")+" hostaddr=127.0.0.1"))
	gw.Setenv("RISPOSTA_DELIVERY_7_POSTGRES_DSN", dsn("127.0.0.1", "sslmode=disable"))
	fill(ctx, t, in("ledger.db"), 0, 30)
	if err := gw.Start(); err != nil {
		t.Fatal(err)
	}
	verified(ctx, t, gw, "bus")
	verified(ctx, t, gw, "table")
	conn, err := pgx.Connect(ctx, right)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, func() error { return conn.Close(ctx) })
	wantSums(ctx, t, conn, in("ledger.db"))
	wantFailing(ctx, t, gw, "bus_of_other_ca", "bus_of_the_machines_cas", "bus_in_clear",
		"table_of_other_ca", "table_of_other_name", "table_in_clear")
	var tables int
	err = conn.QueryRow(ctx, `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables)
	if err != nil || tables != 1 {
		t.Errorf("%d tables, %v; want that of the right connection alone", tables, err)
	}
	if code, err := gw.Terminate(ctx); err != nil || code != 0 {
		t.Errorf("exit %d, %v", code, err)
	}
}

// wantFailing checks that some sinks fail, and have nothing.
func wantFailing(ctx context.Context, t *testing.T, gw *lab.Gateway, sinks ...string) {
	t.Helper()
	for _, sink := range sinks {
		err := lab.Until(ctx, time.Minute, sink+" to fail", func() error {
			for line := range strings.Lines(gw.Log()) {
				if strings.Contains(line, `"event":"delivery.failing"`) &&
					strings.Contains(line, fmt.Sprintf(`"sink":%q`, sink)) {
					return nil
				}
			}
			return errors.New("the log does not say so")
		})
		if err != nil {
			t.Errorf("%v\n%s", err, gw.Log())
		}
	}
	list, _, err := gw.Command(ctx, "delivery", "list")
	for _, sink := range sinks {
		if want := sink + "  has 0 of "; err != nil || !strings.Contains(list, want) {
			t.Errorf("%v, want %q in\n%s", err, want, list)
		}
	}
}

// No record leaves for another machine unencrypted: the configuration is refused.
func TestLiveDeliveryInClearIsRefused(t *testing.T) {
	t.Parallel()
	head, _, _ := strings.Cut(deliveryConfig, "delivery:")
	for name, c := range map[string]struct{ sink, dsn, want string }{
		"nats":      {`nats: {url: "nats://192.0.2.1:4222"}`, "", "sends records over the network unencrypted: use tls"},
		"webhook":   {`webhook: {url: "http://192.0.2.1/"}`, "", "sends records over the network unencrypted: use https"},
		"postgres":  {`postgres: {table: t}`, "host=192.0.2.1 sslmode=disable", "add sslmode=verify-full"},
		"any of CA": {`postgres: {table: t}`, "host=192.0.2.1 sslmode=require", "add sslmode=verify-full"},
		"fallback":  {`postgres: {table: t}`, "host=192.0.2.1 sslmode=prefer", "add sslmode=verify-full"},
	} {
		text := head + "delivery:\n  - name: far\n    fields: [gross]\n    " + c.sink + "\n"
		gw, err := lab.NewGateway(gatewayBinary, t.TempDir(), "", text)
		if err != nil {
			t.Fatal(err)
		}
		gw.Setenv("RISPOSTA_DELIVERY_0_POSTGRES_DSN", c.dsn)
		fill(t.Context(), t, filepath.Join(filepath.Dir(gw.Config), "ledger.db"), 0, 1)
		out, code, err := gw.Command(t.Context(), "run")
		if err != nil || code == 0 || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit %d, %v, want %q:\n%s", name, code, err, c.want, out)
		}
	}
}

package gateway_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/gateway"
	"github.com/risposta/gateway/internal/live"
)

// view is the view of the running gateway, when it holds what is wanted.
func (r *run) view(admin config.Admin, what string, want func(live.View) bool) live.View {
	r.t.Helper()
	admin.Listen = r.gateway.AdminAddr().String()
	for end := time.Now().Add(deadline); ; time.Sleep(5 * time.Millisecond) {
		v, err := gateway.Live(r.t.Context(), admin)
		if err == nil && want(v) {
			return v
		}
		if time.Now().After(end) {
			r.t.Fatalf("no view with %s, but %+v, %v", what, v, err)
		}
	}
}

// What the gateway meters is on its page, and what it meters no longer is not: a call that waits, that
// talks and is charged, a PBX that is cut off.
func TestThePageShowsWhatIsMetered(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	conf := configure(t, pbx, t.TempDir(), "")
	r := start(t, pbx, conf)
	r.until("pbx.synced", 1)
	r.view(conf.Admin, "no call", func(v live.View) bool {
		return len(v.Calls) == 0 && len(v.PBXs) == 1 && v.PBXs[0].Synced && v.PBXs[0].Node == aritest.Node
	})
	r.talk()
	v := r.view(conf.Admin, "a call in talk", func(v live.View) bool { return len(v.Calls) == 1 })
	c := v.Calls[0]
	// The fake PBX has the caller's leg take over another call: the talk is free.
	if c.State != live.Free || c.Why != "took_over" || c.Operator == "" || c.Service != "help" {
		t.Errorf("the call is shown as %+v", c)
	}
	if code, body := r.get("/en/"); code != http.StatusOK || !strings.Contains(body, string(c.Call)) ||
		!strings.Contains(body, "part of another call") {
		t.Errorf("/en/: %d %s", code, body)
	}
	if code, body := r.get("/en/calls/" + string(c.Call)); code != http.StatusOK ||
		!strings.Contains(body, "The call is open") || !strings.Contains(body, c.Operator) {
		t.Errorf("the page of the open call: %d %s", code, body)
	}
	pbx.Close()
	r.view(conf.Admin, "a gap", func(v live.View) bool {
		return !v.PBXs[0].Synced && v.PBXs[0].Reason == "connection_lost" && len(v.Calls) == 1 &&
			v.Calls[0].State == live.Unseen
	})
	r.stop()
}

// A page is kept as it is now for longer than any other request may take, and lets the gateway end.
func TestAPageThatIsWatchedGoesOn(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	r := start(t, pbx, configure(t, pbx, t.TempDir(), ""))
	resp, err := http.Get("http://" + r.gateway.AdminAddr().String() + "/en/events")
	if err != nil {
		t.Fatal(err)
	}
	defer closeBody(t, resp)
	began, lines, views := time.Now(), bufio.NewScanner(resp.Body), 0
	for time.Since(began) < 7*time.Second && lines.Scan() {
		if lines.Text() == "event: now" {
			views++
		}
	}
	if err := lines.Err(); err != nil || views < 3 || time.Since(began) < 7*time.Second {
		t.Errorf("after %s and %d views the stream ended (%v)", time.Since(began), views, err)
	}
	r.stop()
}

// Without a password only a browser that means this machine is answered.
func TestAnotherNameIsRefused(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	r := start(t, pbx, configure(t, pbx, t.TempDir(), ""))
	for host, want := range map[string]int{
		"": http.StatusOK, "localhost": http.StatusOK, "LOCALHOST:9108": http.StatusOK, "127.0.0.1": http.StatusOK,
		"[::1]:9108": http.StatusOK, "risposta.example": http.StatusMisdirectedRequest,
		"192.0.2.7": http.StatusMisdirectedRequest, "localhost.example:9108": http.StatusMisdirectedRequest,
	} {
		req, err := http.NewRequest(http.MethodGet, "http://"+r.gateway.AdminAddr().String()+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		closeBody(t, resp)
		if resp.StatusCode != want {
			t.Errorf("for host %q: %s, want %d", host, resp.Status, want)
		}
	}
	r.untilMetric(`risposta_admin_refused_total{reason="host"} 3`)
	r.until(`"event":"gateway.admin_refused","reason":"host"`, 3)
	r.stop()
}

// With a certificate and a password the page may be on the network; everything asks for the password.
func TestTheAdminPortAsksForItsPassword(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	dir := t.TempDir()
	conf := configure(t, pbx, dir, "")
	conf.Admin.CertFile, conf.Admin.KeyFile = certificate(t, dir)
	conf.Admin.Password = config.NewSecret("a password")
	r := start(t, pbx, conf)
	trust := x509.NewCertPool()
	text, err := os.ReadFile(conf.Admin.CertFile)
	if err != nil || !trust.AppendCertsFromPEM(text) {
		t.Fatal("the certificate can't be read", err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}}}
	defer client.CloseIdleConnections()
	get := func(path, user, password string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
			"https://"+r.gateway.AdminAddr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			req.SetBasicAuth(user, password)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		closeBody(t, resp)
		return resp.StatusCode
	}
	for _, path := range []string{"/en/", "/metrics", "/healthz", "/live.json", "/static/live.js", "/nothing"} {
		for _, c := range [][2]string{{"", ""}, {"risposta", "wrong"}, {"wrong", "a password"}, {"risposta", ""}} {
			if code := get(path, c[0], c[1]); code != http.StatusUnauthorized {
				t.Errorf("%s as %q with %q: %d, want 401", path, c[0], c[1], code)
			}
		}
	}
	if code := get("/en/", "risposta", "a password"); code != http.StatusOK {
		t.Errorf("with the password: %d", code)
	}
	r.view(conf.Admin, "the PBX", func(v live.View) bool { return len(v.PBXs) == 1 })
	wrong := conf.Admin
	wrong.Listen, wrong.Password = r.gateway.AdminAddr().String(), config.NewSecret("wrong")
	if _, err := gateway.Live(context.Background(), wrong); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("with a wrong password: %v, want 401", err)
	}
	// 24 of the loop and the last: counted each, logged ten times.
	r.stop()
	if n := strings.Count(r.log.String(), `"event":"gateway.admin_refused"`); n != 10 {
		t.Errorf("%d lines about 25 refusals, want 10", n)
	}
	if !strings.Contains(r.log.String(), `"event":"log.left_out","of":"gateway.admin_refused","lines":15`) {
		t.Errorf("what was left out is not said:\n%s", r.log)
	}
}

// certificate writes a certificate for 127.0.0.1 and its key.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func closeBody(t *testing.T, resp *http.Response) {
	t.Helper()
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
}

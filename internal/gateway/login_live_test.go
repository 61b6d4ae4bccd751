//go:build live

package gateway_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"testing"

	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/live"
	"github.com/risposta/gateway/internal/pageaudit"
)

// Over TLS, with a password: who has it sees the page of a running gateway, and who has not a page
// that says so. Both keep each rule.
func TestLiveLoginKeepsTheRules(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	dir := t.TempDir()
	conf := configure(t, pbx, dir, "")
	conf.Admin.CertFile, conf.Admin.KeyFile = certificate(t, dir)
	conf.Admin.Password = config.NewSecret("a password")
	r := start(t, pbx, conf)
	r.until("pbx.synced", 1)
	r.talk()
	r.view(conf.Admin, "a call in talk", func(v live.View) bool { return len(v.Calls) == 1 })
	browser := pageaudit.Start(t, keyHash(t, conf.Admin.CertFile, conf.Admin.KeyFile))
	address := url.URL{Scheme: "https", Host: r.gateway.AdminAddr().String()}
	for lang, words := range map[string]struct{ refused, heading, live string }{
		"en": {"A password is needed", "Overview", "Updated every 2 seconds."},
		"it": {"Serve una password", "Panoramica", "Aggiornata ogni 2 secondi."},
	} {
		const heading = `document.querySelector("h1").textContent`
		at := address
		at.Path = "/" + lang + "/"
		pages := map[string]pageaudit.Page{}
		pages["refused"] = pageaudit.Page{
			Address: at.String(), Language: lang, Own: true,
			Ready: func(p *pageaudit.Tab) { p.Until(heading, words.refused) },
		}
		at.User = url.UserPassword("risposta", "a password")
		pages["let in"] = pageaudit.Page{
			Address: at.String(), Language: lang, Own: true,
			Files: []string{"/static/style.css", "/static/live.js", "/" + lang + "/events"},
			Ready: func(p *pageaudit.Tab) {
				p.Until(heading, words.heading)
				p.Until(`document.getElementById("updating").textContent`, words.live)
			},
		}
		for name, page := range pages {
			t.Run(lang+" "+name, func(t *testing.T) {
				for _, f := range browser.Audit(t, page) {
					t.Errorf("%s: %s", f.Rule, f.Text)
				}
			})
		}
	}
	r.stop()
}

// keyHash is how the browser names the key that it trusts.
func keyHash(t *testing.T, cert, key string) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(parsed.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

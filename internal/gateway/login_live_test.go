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
	const heading = `document.querySelector("h1").textContent`
	page := func(user *url.Userinfo, lang, want string, ready ...func(*pageaudit.Tab)) pageaudit.Page {
		at := address
		at.User, at.Path = user, "/"+lang+"/"
		return pageaudit.Page{
			Address: at.String(), Language: lang, Own: true,
			Ready: func(p *pageaudit.Tab) {
				p.Until(heading, want)
				for _, f := range ready {
					f(p)
				}
			},
		}
	}
	audit := func(name string, page pageaudit.Page) {
		t.Run(name, func(t *testing.T) {
			for _, f := range browser.Audit(t, page) {
				t.Errorf("%s: %s", f.Rule, f.Text)
			}
		})
	}
	// In this order: a browser that was let in sends the password from then on.
	audit("en refused", page(nil, "en", "A password is needed"))
	audit("it refused", page(nil, "it", "Serve una password"))
	for _, l := range []struct{ lang, heading, live string }{
		{"en", "Overview", "Updated every 2 seconds."},
		{"it", "Panoramica", "Aggiornata ogni 2 secondi."},
	} {
		in := page(url.UserPassword("risposta", "a password"), l.lang, l.heading, func(p *pageaudit.Tab) {
			p.Until(`document.getElementById("updating").textContent`, l.live)
		})
		in.Files = []string{"/static/style.css", "/static/live.js", "/" + l.lang + "/events"}
		audit(l.lang+" let in", in)
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

//go:build live

package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// carrier signs calls as RFC 8225 and 8588 say, and serves the certificate.
type carrier struct {
	key     *ecdsa.PrivateKey
	ca      string // PEM
	address string // of the certificate
}

func newCarrier(t *testing.T) carrier {
	t.Helper()
	c := carrier{}
	caKey, key := newKey(t), newKey(t)
	c.key = key
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "numbers"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	// The TNAuthList of RFC 8226: a service provider's code.
	spc := append([]byte{0x30, 0x08, 0xa0, 0x06, 0x16, 0x04}, "1234"...)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "carrier 1234"},
		NotBefore: root.NotBefore, NotAfter: root.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{
			{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 26}, Value: spc},
		},
	}
	issue := func(cert *x509.Certificate, k *ecdsa.PrivateKey) string {
		der, err := x509.CreateCertificate(rand.Reader, cert, root, &k.PublicKey, caKey)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	c.ca = issue(root, caKey)
	text := issue(leaf, key)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, text) // Asterisk tells of a certificate that it did not get
	}))
	t.Cleanup(server.Close)
	c.address = server.URL + "/carrier.pem"
	return c
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// identity is the Identity header of a call, signed by the carrier, or by another key.
func (c carrier) identity(t *testing.T, key *ecdsa.PrivateKey, level, from, to string) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	head := fmt.Sprintf(`{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":%q}`, c.address)
	body := fmt.Sprintf(`{"attest":%q,"dest":{"tn":[%q]},"iat":%d,"orig":{"tn":%q},"origid":"o-1"}`,
		level, to, time.Now().Unix(), from)
	signed := encode([]byte(head)) + "." + encode([]byte(body))
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return fmt.Sprintf("Identity: %s.%s;info=<%s>;alg=ES256;ppt=shaken\n",
		signed, encode(signature), c.address)
}

// pbxFiles make Asterisk verify the carrier's signatures on its trunk.
func (c carrier) pbxFiles() map[string]string {
	return map[string]string{
		"carriers.pem": c.ca,
		"stir_shaken.conf": "[verification]\nca_file = /etc/asterisk/carriers.pem\n" +
			"cert_cache_dir = /tmp\nignore_sip_date_header = yes\n" +
			"relax_x5u_port_scheme_restrictions = yes\n" +
			"x5u_deny = 0.0.0.0/0.0.0.0\nx5u_permit = 127.0.0.0/8\n" +
			"[carriers]\ntype = profile\nendpoint_behavior = verify\nfailure_action = continue\n",
		"pjsip.d/signed.conf":    "[trunk](+)\nstir_shaken_profile = carriers\n",
		"extensions.d/desk.conf": longWait["extensions.d/desk.conf"],
	}
}

// Five callers send the number of an exempt person. Where only trusted numbers exempt, one with a
// signature of level A does; the others pay. Where any number exempts, all are exempt, but the front
// desk says so only to the one whose number somebody vouches for.
func TestLongWhoVouchesForANumber(t *testing.T) {
	t.Parallel()
	const exemptNumber = "390698765432"
	calls := []struct{ service, level, want string }{
		{"signed-a", "A", "A"}, {"signed-b", "B", "B"},
		{"unsigned", "", "none"}, {"forged", "A", "failed"}, {"of-another-number", "A", "failed"},
	}
	for _, byNumber := range []string{"trusted", "any"} {
		t.Run(byNumber, func(t *testing.T) {
			t.Parallel()
			c := newCarrier(t)
			var services []service
			for i, call := range calls {
				services = append(services, servedBy(fmt.Sprint("op", i+1), call.service, announcing))
			}
			config := strings.NewReplacer(", also: [announced, consent]", "",
				"by: trunk}]}", "by: stir_shaken}]}\nexemption: {by_number: "+byNumber+"}").
				Replace(frontDeskConfig)
			h := newHarnessWith(t, config, services, c.pbxFiles())
			h.addExemption(t, "--ref", "e-1", "--number-on-command-line", "+"+exemptNumber)
			out, code, err := h.gw.Command(h.ctx, "check")
			if err != nil || strings.Contains(out, "stir_shaken_profile") || strings.Contains(out, "no response") {
				t.Errorf("check: exit %d, %v:\n%s", code, err, out)
			}
			h.start(t)
			var parties []*lab.Party
			for i, call := range calls {
				key, number := c.key, exemptNumber
				switch call.service {
				case "forged":
					key = newKey(t)
				case "of-another-number":
					number = "390698765433"
				}
				header := ""
				if call.level != "" {
					header = c.identity(t, key, call.level, number, numberOf(i))
				}
				h.operator(t, services[i].agents[0], lab.Called(half).WaitBye())
				script := lab.AtFrontDesk(header).Answered().Pause(3 * second).Bye()
				parties = append(parties, h.dials(t, "+"+exemptNumber, numberOf(i), script))
			}
			h.finish(t, parties...)
			for _, call := range calls {
				rec := h.record(t, call.service)
				vouched := call.want == "A"
				exempt := vouched || byNumber == "any"
				if rec.Attestation != call.want || rec.Exempt != exempt || rec.TalkMs < 1000 ||
					(rec.Charge.Amount == "0.00") != exempt || rec.Announcement.Free != vouched {
					t.Errorf("%s: %+v; want %s, exempt %v, announced free %v", call.service, rec, call.want,
						exempt, vouched)
				}
			}
			h.wantVerified(t, "")
		})
	}
}

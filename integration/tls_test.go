//go:build live

package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// authority creates a CA, and a certificate for 127.0.0.1 signed by it, all as PEM.
func authority(t *testing.T) (ca, cert, key string) {
	t.Helper()
	pair := func(
		template, parent *x509.Certificate, signer *ecdsa.PrivateKey,
	) (cert, key string, private *ecdsa.PrivateKey) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if signer == nil {
			signer = k
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &k.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		der8, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
			string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der8})), k
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	ca, _, signer := pair(root, root, nil)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"},
		NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, key, _ = pair(leaf, root, signer)
	return ca, cert, key
}

// Both connections use TLS with certificates of our own CA: Asterisk connects by wss, the gateway
// sends requests by https.
func TestLiveTLS(t *testing.T) {
	t.Parallel()
	ca, cert, key := authority(t)
	port, err := lab.FreePort("tcp")
	if err != nil {
		t.Fatal(err)
	}
	https, err := lab.FreePort("tcp")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"gateway-ca.pem": ca, "pbx.pem": cert, "pbx-key.pem": key,
		"http.conf": fmt.Sprintf(`[general]
enabled = yes
bindaddr = 127.0.0.1
bindport = 8088
tlsenable = yes
tlsbindaddr = 127.0.0.1:%d
tlscertfile = /etc/asterisk/pbx.pem
tlsprivatekey = /etc/asterisk/pbx-key.pem
`, https),
	}
	for _, name := range []string{"websocket_client.conf", "ari.conf"} {
		text, err := os.ReadFile("../deploy/asterisk/outbound/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = strings.NewReplacer(
			"ws://127.0.0.1:8787", fmt.Sprintf("wss://127.0.0.1:%d", port),
			";tls_enabled", "tls_enabled", ";ca_list_file", "ca_list_file",
		).Replace(string(text))
	}
	h := newHarness(t, talkingService, files)
	for name, text := range map[string]string{"ca.pem": ca, "gw.pem": cert, "gw-key.pem": key} {
		if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.gw.Listen(fmt.Sprintf("127.0.0.1:%d", port), "change-me-too"); err != nil {
		t.Fatal(err)
	}
	h.gw.Setenv("RISPOSTA_PBX_0_URL", fmt.Sprintf("https://127.0.0.1:%d/ari", https))
	h.gw.Setenv("RISPOSTA_PBX_0_CA_FILE", filepath.Join(h.dir, "ca.pem"))
	h.gw.Setenv("RISPOSTA_PBX_0_LISTEN_CERT_FILE", filepath.Join(h.dir, "gw.pem"))
	h.gw.Setenv("RISPOSTA_PBX_0_LISTEN_KEY_FILE", filepath.Join(h.dir, "gw-key.pem"))
	h.start(t)
	h.operator(t, "op1", lab.Called(half).WaitBye())
	caller := h.caller(t, 0, lab.Calls().Pause(2*second).Bye())
	if err := caller.Wait(h.ctx); err != nil {
		t.Fatal(err)
	}
	h.wantSameTalk(t, 0, h.record(t, "talking"))
	h.stop(t)
	if !strings.Contains(h.gw.Log(), `"event":"checkpoint.saved"`) {
		t.Error("the gateway saved no checkpoint over TLS")
	}
	h.start(t)
}

package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/live"
)

// maxLive bounds what is read of a view, which is bounded itself.
const maxLive = 4 << 20

// Live reads the view of a running gateway on this machine, from its admin port.
func Live(ctx context.Context, a config.Admin) (v live.View, err error) {
	client, url, err := liveClient(a)
	if err != nil {
		return v, err
	}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return v, fmt.Errorf("asking the gateway: %w", err)
	}
	if !a.Password.Empty() {
		req.SetBasicAuth(a.Username, a.Password.Reveal())
	}
	resp, err := client.Do(req)
	if err != nil {
		return v, fmt.Errorf("asking the gateway at admin.listen, which `risposta run` serves: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxLive))
	switch {
	case err != nil:
		return v, fmt.Errorf("reading what the gateway answers: %w", err)
	case resp.StatusCode != http.StatusOK:
		return v, fmt.Errorf("the gateway answers %s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return v, fmt.Errorf("reading what the gateway answers: %w", err)
	}
	return v, nil
}

// liveClient connects to this machine, and with TLS trusts the gateway's own certificate alone.
func liveClient(a config.Admin) (*http.Client, string, error) {
	host, port, err := net.SplitHostPort(a.Listen)
	if err != nil {
		return nil, "", fmt.Errorf("admin.listen: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme, transport := "http", &http.Transport{}
	secure, err := adminTLS(a)
	if err != nil {
		return nil, "", err
	}
	if secure != nil {
		leaf, err := x509.ParseCertificate(secure.Certificates[0].Certificate[0])
		if err != nil {
			return nil, "", fmt.Errorf("admin.cert_file: %w", err)
		}
		trusted := x509.NewCertPool()
		trusted.AddCert(leaf)
		scheme = "https"
		transport.TLSClientConfig = &tls.Config{
			RootCAs: trusted, ServerName: nameOf(leaf), MinVersion: tls.VersionTLS12,
		}
	}
	url := scheme + "://" + net.JoinHostPort(host, port) + "/live.json"
	return &http.Client{Transport: transport}, url, nil
}

// nameOf is one of the names that a certificate is for.
func nameOf(c *x509.Certificate) string {
	switch {
	case len(c.DNSNames) > 0:
		return strings.Replace(c.DNSNames[0], "*", "any", 1)
	case len(c.IPAddresses) > 0:
		return c.IPAddresses[0].String()
	}
	return ""
}

package heads

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// collector takes heads over HTTP: a POST of the line, and where it allows it a GET of the newest.
type collector struct {
	url    url.URL
	token  string
	client *http.Client
}

const (
	maxAnswer   = 1 << 20 // bytes
	idleTimeout = time.Minute
)

func newCollector(u url.URL, token string, ca *x509.CertPool) *collector {
	return &collector{url: u, token: token, client: &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: ca, MinVersion: tls.VersionTLS12},
			MaxConnsPerHost: 1, IdleConnTimeout: idleTimeout,
		},
		// A redirect would carry the token to another host, and the head to a place that nobody named.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// String implements Place: the path and the query may hold a secret.
func (c *collector) String() string { return c.url.Scheme + "://" + c.url.Host }

// Keep implements Place. Any status of 200 to 299 says that the line is kept.
func (c *collector) Keep(ctx context.Context, line []byte) error {
	status, _, err := c.do(ctx, http.MethodPost, line)
	if err == nil && (status < 200 || status > 299) {
		err = fmt.Errorf("the answer is %d %s", status, http.StatusText(status))
	}
	if err != nil {
		return fmt.Errorf("sending a signed head to %s: %w", c, err)
	}
	return nil
}

// Newest implements Place. A place that refuses the question is one that cannot be read back; one
// that has nothing answers 204 or 404, or with a text without a head.
func (c *collector) Newest(ctx context.Context) ([]byte, error) {
	status, text, err := c.do(ctx, http.MethodGet, nil)
	switch {
	case err != nil:
		return nil, fmt.Errorf("asking %s for the newest head: %w", c, err)
	case status == http.StatusOK:
		return newest(text), nil
	case status == http.StatusNoContent, status == http.StatusNotFound:
		return nil, nil
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests,
		status >= 500 && status != http.StatusNotImplemented:
		return nil, fmt.Errorf("asking %s for the newest head: the answer is %d %s",
			c, status, http.StatusText(status))
	}
	return nil, ErrWriteOnly
}

func (c *collector) do(
	ctx context.Context, method string, body []byte,
) (status int, text []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url.String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, errors.New("the address is not one")
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		var named *url.Error // it quotes the address, whole
		if errors.As(err, &named) {
			err = named.Err
		}
		return 0, nil, err
	}
	text, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, text, errors.Join(err, resp.Body.Close())
}

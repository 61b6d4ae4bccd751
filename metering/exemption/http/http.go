// Package http asks a company's own service whether a caller is exempt.
//
// The contract, which docs/exemption.md explains and integration/exemptserver serves: POST to the configured address, JSON both ways.
//
//	{"number":"+390612345678","at":"2026-11-24T10:00:00.000Z"}
//	{"exempt":"yes","ref":"e-123","until":"2026-12-31T23:00:00Z"}
//
// exempt is yes, no or unknown; ref is an opaque reference of at most 64 characters; until, which may be left out, is when the same question may have
// another answer. Any other field is thrown away, so that no reason can come through. Any status but 200, and anything that can't be read, is a failure.
// The address is https, or on loopback; a bearer token may be sent.
package http

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

// Service is a Lookup over HTTP.
type Service struct {
	url    string
	token  string
	client *http.Client
}

// Config says where the service is.
type Config struct {
	URL   string
	Token string         // bearer token; "": none
	CA    *x509.CertPool // who may vouch for it; nil: those whom the machine trusts
}

const (
	maxAnswer = 64 << 10
	maxConns  = 16
)

// New makes a Service. It connects when it is first asked.
func New(c Config) *Service {
	return &Service{url: c.URL, token: c.Token, client: &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: c.CA, MinVersion: tls.VersionTLS12},
			MaxConnsPerHost: maxConns, MaxIdleConnsPerHost: maxConns, IdleConnTimeout: time.Minute,
		},
		// A redirect would carry the caller's number to somebody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close ends its idle connections.
func (s *Service) Close() { s.client.CloseIdleConnections() }

type question struct {
	Number string        `json:"number"`
	At     metering.Time `json:"at"`
}

type reply struct {
	Exempt string    `json:"exempt"`
	Ref    string    `json:"ref"`
	Until  time.Time `json:"until"`
}

// reference is what an opaque reference looks like.
var reference = regexp.MustCompile(`^[A-Za-z0-9._:-]{0,64}$`)

// Exempt implements exemption.Lookup.
func (s *Service) Exempt(ctx context.Context, number metering.Number, at time.Time) (exemption.Answer, error) {
	body, err := json.Marshal(question{Number: number.Clear(), At: metering.Time{Time: at}})
	if err != nil {
		return exemption.Answer{}, errors.New("the question does not encode")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return exemption.Answer{}, fmt.Errorf("the address of the exemption service: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return exemption.Answer{}, fmt.Errorf("asking the exemption service: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return exemption.Answer{}, fmt.Errorf("reading what the exemption service answers: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return exemption.Answer{}, fmt.Errorf("the exemption service answers %s", resp.Status)
	}
	return parse(text)
}

// parse reads the reply. Errors do not quote it: it may name a person.
func parse(text []byte) (exemption.Answer, error) {
	var r reply
	if err := json.Unmarshal(text, &r); err != nil {
		return exemption.Answer{}, errors.New("the exemption service answers something that is not as agreed")
	}
	a := exemption.Answer{Exemption: metering.Exemption{Ref: r.Ref}, Until: r.Until.UTC()}
	if r.Until.IsZero() {
		a.Until = time.Time{}
	}
	switch r.Exempt {
	case "yes":
		a.Verdict = metering.ExemptYes
	case "no":
		a.Verdict = metering.ExemptNo
	case "unknown":
	default:
		return exemption.Answer{}, errors.New("the exemption service answers neither yes, no nor unknown")
	}
	if !reference.MatchString(r.Ref) {
		return exemption.Answer{}, errors.New("the exemption service's reference is not opaque: at most 64 letters, digits, dots, dashes, colons and underscores")
	}
	return a, nil
}

// Package http asks a company's own service whether a caller is exempt.
//
// In: a number and an instant. Out: an [exemption.Answer]. The contract, which docs/exemption.md
// explains and integration/exemptserver serves, is a POST to the configured address with JSON both
// ways:
//
//	{"number":"+390612345678","at":"2026-11-24T10:00:00.000Z"}
//	{"exempt":"yes","ref":"e-123","until":"2026-12-31T23:00:00Z"}
//
// exempt is yes, no or unknown. ref is an opaque reference ([exemption.IsRef]). until may be left
// out: it is when the same question may have another answer. Any other field is dropped, so that no
// reason can come through. A status other than 200, and an answer that cannot be read, are errors.
// The package follows no redirect, and quotes neither number nor answer in an error.
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
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

// Service is a lookup over HTTP.
type Service struct {
	url    string
	token  string
	client *http.Client
}

// Config is the address of the service and how to prove who asks.
type Config struct {
	URL   string         // https, or http on loopback
	Token string         // bearer token; "": none
	CA    *x509.CertPool // the issuers of its certificate; nil: those that the machine trusts
}

const (
	maxAnswer = 64 << 10 // bytes
	maxConns  = 16
)

// New makes a Service. It connects with the first question.
func New(c Config) *Service {
	return &Service{url: c.URL, token: c.Token, client: &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: c.CA, MinVersion: tls.VersionTLS12},
			MaxConnsPerHost: maxConns, MaxIdleConnsPerHost: maxConns, IdleConnTimeout: time.Minute,
		},
		// A redirect would carry the caller's number to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close closes its idle connections.
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

// Exempt implements [exemption.Lookup].
func (s *Service) Exempt(
	ctx context.Context, number metering.Number, at time.Time,
) (exemption.Answer, error) {
	body, err := json.Marshal(question{Number: number.Clear(), At: metering.Time{Time: at}})
	if err != nil {
		return exemption.Answer{}, errors.New("the question to the exemption service does not encode")
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
		return exemption.Answer{}, fmt.Errorf("reading the answer of the exemption service: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return exemption.Answer{}, fmt.Errorf("the exemption service answered %s", resp.Status)
	}
	return parse(text)
}

// parse reads the reply. Its errors do not quote the reply, which may name a person.
func parse(text []byte) (exemption.Answer, error) {
	var r reply
	if err := json.Unmarshal(text, &r); err != nil {
		return exemption.Answer{}, errors.New("the answer of the exemption service is not JSON such as " +
			`{"exempt":"yes","ref":"e-123","until":"2026-12-31T23:00:00Z"}`)
	}
	verdict := metering.ParseVerdict(r.Exempt)
	if verdict.String() != r.Exempt {
		return exemption.Answer{}, errors.New("the exemption service answered neither yes, no nor " +
			"unknown")
	}
	if !exemption.IsRef(r.Ref) {
		return exemption.Answer{}, errors.New("the reference of the exemption service is not opaque: " +
			"it must have " + exemption.RefForm)
	}
	a := exemption.Answer{Exemption: metering.Exemption{Verdict: verdict, Ref: r.Ref}}
	if !r.Until.IsZero() {
		a.Until = r.Until.UTC()
	}
	return a, nil
}

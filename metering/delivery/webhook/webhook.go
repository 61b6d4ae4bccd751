// Package webhook delivers events by HTTP: CloudEvents 1.0 in the structured JSON mode, or what a
// template makes of an event.
//
// In: batches. Out: POST requests, each with one event or with several, signed with an HMAC over the
// time and the body where a secret is given. Only an answer of 2xx settles an event, or one that says
// that its id is known already. A batch that is too large, or that is refused, is split until the event
// that is refused stands alone. The package follows no redirect, waits never, and quotes neither a
// body nor an address in an error.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/risposta/gateway/metering/delivery"
)

// Config is where events go, and in which form.
type Config struct {
	URL     string
	CA      *x509.CertPool // nil: those of the machine
	Token   string         // sent as a bearer token; "": none
	Secret  string         // of the HMAC; "": not signed
	Headers map[string]string
	Source  string // of the events: it names this gateway
	// Template makes the body of one event: see [ParseTemplate]. "": CloudEvents.
	Template string
	// Batch is how many events one request may have, at least 1. Before, Between and After stand around
	// the bodies of a batch.
	Batch                  int
	Before, Between, After string
	ContentType            string
	// Known is found in an answer that says that the other side has the event's id already. Failed is
	// found in an answer of 2xx that is a failure all the same. nil: there are none.
	Known, Failed *regexp.Regexp
	Timeout       time.Duration // of one request
	Fields        delivery.Fields
}

// Hook is a sink.
type Hook struct {
	Config
	client *http.Client
	body   func(*delivery.Event) ([]byte, error)
	now    func() time.Time
}

var _ delivery.Sink = (*Hook)(nil)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// Open checks the configuration. It connects with the first request.
func Open(c Config) (*Hook, error) {
	h := &Hook{Config: c, now: time.Now}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("url: it is not an address such as https://billing.example/events")
	}
	if h.body = h.cloudEvent; c.Template != "" {
		if h.body, err = ParseTemplate(c.Template, c.Fields, c.Source); err != nil {
			return nil, err
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: c.CA, MinVersion: tls.VersionTLS12}
	h.client = &http.Client{
		Transport: transport, Timeout: c.Timeout,
		// A redirect is no 2xx, and would take the events elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return h, nil
}

// Close implements delivery.Sink.
func (h *Hook) Close() { h.client.CloseIdleConnections() }

// Deliver implements delivery.Sink.
func (h *Hook) Deliver(
	ctx context.Context, b delivery.Batch,
) (done int, refused []delivery.Refusal, err error) {
	for done < len(b.Events) {
		n := min(h.Batch, len(b.Events)-done)
		r, err := h.send(ctx, b.Events[done:done+n])
		for _, refusal := range r.refused {
			refusal.Index += done
			refused = append(refused, refusal)
		}
		done += r.done
		if err != nil {
			return done, refused, err
		}
	}
	return done, refused, nil
}

// result is what became of some events.
type result struct {
	done    int
	refused []delivery.Refusal
}

// send sends events in one request. Where they are refused together it sends each half.
func (h *Hook) send(ctx context.Context, events []delivery.Event) (result, error) {
	body, unfilled := h.bodies(events)
	if body == nil {
		return result{done: len(events), refused: unfilled}, nil
	}
	verdict, why, err := h.post(ctx, body)
	switch {
	case err != nil:
		return result{}, err
	case verdict == taken:
		return result{done: len(events), refused: unfilled}, nil
	case len(events) == 1 && verdict == known:
		return result{done: 1}, nil
	case len(events) == 1:
		return result{done: 1, refused: []delivery.Refusal{{Why: why}}}, nil
	}
	half := len(events) / 2
	first, err := h.send(ctx, events[:half])
	if err != nil {
		return first, err
	}
	second, err := h.send(ctx, events[half:])
	for _, r := range second.refused {
		r.Index += half
		first.refused = append(first.refused, r)
	}
	first.done += second.done
	return first, err
}

// bodies is the body of a request with these events, nil where the other side is to get none of them.
// An event that the template cannot be filled in for is refused.
func (h *Hook) bodies(events []delivery.Event) (body []byte, refused []delivery.Refusal) {
	var all [][]byte
	for i := range events {
		one, err := h.body(&events[i])
		switch {
		case err != nil:
			refused = append(refused, delivery.Refusal{Index: i, Why: err.Error()})
		case one != nil:
			all = append(all, one)
		}
	}
	if all == nil {
		return nil, refused
	}
	body = bytes.Join(all, []byte(h.Between))
	if h.Batch > 1 {
		body = slices.Concat([]byte(h.Before), body, []byte(h.After))
	}
	return body, refused
}

// verdict is what an answer says of the events of a request.
type verdict uint8

const (
	taken   verdict = iota
	known           // their ids are known
	refused         // they are not taken, however often they are sent
)

// post sends one request. An error is one that may pass.
func (h *Hook) post(ctx context.Context, body []byte) (verdict, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return 0, "", errors.New("making the request")
	}
	h.header(req, body)
	resp, err := h.client.Do(req)
	if err != nil {
		return 0, "", fmt.Errorf("sending events: %w", withoutAddress(err))
	}
	// What was answered may be cut off: then it is not known whether the events have arrived.
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return 0, "", fmt.Errorf("reading the answer, status %d: %w", resp.StatusCode,
			withoutAddress(err))
	}
	return h.judge(resp, answer)
}

// withoutAddress takes the address out of an error: it may hold a secret.
func withoutAddress(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// judge reads an answer.
func (h *Hook) judge(resp *http.Response, answer []byte) (verdict, string, error) {
	status := resp.StatusCode
	why := fmt.Sprintf("the answer is %d", status)
	if h.Known != nil && h.Known.Match(answer) || status == http.StatusConflict {
		return known, why, nil
	}
	switch {
	case status/100 == 2 && h.Failed != nil && h.Failed.Match(answer):
		return refused, why + ", and its body says that it failed", nil
	case status/100 == 2:
		return taken, "", nil
	case status == http.StatusBadRequest, status == http.StatusRequestEntityTooLarge,
		status == http.StatusUnprocessableEntity:
		return refused, why, nil
	}
	err := errors.New(why)
	if after := retryAfter(resp.Header.Get("Retry-After"), h.now()); after > 0 {
		err = &delivery.RetryAfterError{After: after, Err: err}
	}
	return 0, "", err
}

// retryAfter reads seconds, or a date (RFC 9110, 10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	if s, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Sub(now)
	}
	return 0
}

// Header names the signature: "t=" and the seconds since 1970, ",v1=" and the HMAC-SHA256 of these
// seconds, a dot and the body, in hexadecimal.
const Header = "Risposta-Signature"

func (h *Hook) header(req *http.Request, body []byte) {
	req.Header.Set("Content-Type", h.ContentType)
	for name, value := range h.Headers {
		req.Header.Set(name, value)
	}
	if h.Token != "" {
		req.Header.Set("Authorization", "Bearer "+h.Token)
	}
	if h.Secret != "" {
		req.Header.Set(Header, Sign(h.Secret, h.now(), body))
	}
}

// Sign is the value of [Header].
func Sign(secret string, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(seconds + "."))
	mac.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

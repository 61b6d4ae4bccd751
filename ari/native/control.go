package native

import (
	"context"
	"net/http"
	"net/url"

	"github.com/risposta/gateway/ari"
)

// Phone does to channels what the front desk asks: it is a frontdesk.Control. Its requests go through net/http, for the library takes no context and loses the
// status of a refusal, by which the desk learns that the caller has gone on.
type Phone struct{ rest *rest }

// NewPhone makes a Phone for the PBX.
func NewPhone(cfg Config) *Phone { return &Phone{rest: newREST(cfg)} }

// Close ends its idle connections.
func (p *Phone) Close() { p.rest.close() }

// Play implements frontdesk.Control.
func (p *Phone) Play(ctx context.Context, ch ari.ChannelID, playback, language, media string) error {
	return p.post(ctx, http.MethodPost, "channels/"+url.PathEscape(string(ch))+"/play",
		url.Values{"media": {media}, "playbackId": {playback}, "lang": {language}})
}

// Set implements frontdesk.Control.
func (p *Phone) Set(ctx context.Context, ch ari.ChannelID, name, value string) error {
	return p.post(ctx, http.MethodPost, "channels/"+url.PathEscape(string(ch))+"/variable", url.Values{"variable": {name}, "value": {value}})
}

// Continue implements frontdesk.Control.
func (p *Phone) Continue(ctx context.Context, ch ari.ChannelID) error {
	return p.post(ctx, http.MethodPost, "channels/"+url.PathEscape(string(ch))+"/continue", nil)
}

// HangUp implements frontdesk.Control.
func (p *Phone) HangUp(ctx context.Context, ch ari.ChannelID) error {
	return p.post(ctx, http.MethodDelete, "channels/"+url.PathEscape(string(ch)), url.Values{"reason": {"normal"}})
}

func (p *Phone) post(ctx context.Context, method, path string, q url.Values) error {
	_, err := p.rest.do(ctx, method, path, q)
	return err
}

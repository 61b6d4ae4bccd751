package native

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	cycore "github.com/CyCoreSystems/ari/v5"

	"github.com/risposta/gateway/ari"
)

// application is what the PBX reports of a Stasis application.
type application struct {
	AllChannels bool
	Withheld    []string // types that matter and that its event filter keeps back
}

// allChannels is the topic that subscribeAll subscribes to; an application that was registered
// without it gets no events of channels (measured on 22.10.1).
const allChannels = "__AST_CHANNEL_ALL_TOPIC"

func (r *rest) application(ctx context.Context, name string) (application, error) {
	names, err := within(ctx, r, func() ([]*cycore.Key, error) {
		return r.lib.Application().List(nil)
	})
	if err != nil {
		return application{}, fmt.Errorf("asking %s for its applications: %w", r.cfg.URL, err)
	}
	if !slices.ContainsFunc(names, func(k *cycore.Key) bool { return k.ID == name }) {
		return application{}, fmt.Errorf("application %q: %w", name, errNoApplication)
	}
	// The library has no fields for the filter.
	body, err := r.do(ctx, http.MethodGet, "applications/"+url.PathEscape(name), nil)
	if err != nil {
		return application{}, fmt.Errorf("asking %s for application %q: %w", r.cfg.URL, name, err)
	}
	var data struct {
		ChannelIDs []string    `json:"channel_ids"`
		Allowed    []eventType `json:"events_allowed"`
		Disallowed []eventType `json:"events_disallowed"`
	}
	if err := json.Unmarshal(body, &data); err != nil {
		return application{}, fmt.Errorf("reading what %s reports of application %q: %w",
			r.cfg.URL, name, err)
	}
	app := application{AllChannels: slices.Contains(data.ChannelIDs, allChannels)}
	for _, name := range ari.EventTypes() {
		t := eventType{name}
		if len(data.Allowed) > 0 && !slices.Contains(data.Allowed, t) ||
			slices.Contains(data.Disallowed, t) {
			app.Withheld = append(app.Withheld, name)
		}
	}
	return app, nil
}

// eventType is an entry of an event filter.
type eventType struct {
	Type string `json:"type"`
}

// filterEvents tells the PBX to send the application the types of events that matter, and no other.
// A filter that the application has already is replaced.
func (r *rest) filterEvents(ctx context.Context, name string) error {
	var filter struct {
		Allowed []eventType `json:"allowed"`
	}
	for _, t := range ari.EventTypes() {
		filter.Allowed = append(filter.Allowed, eventType{t})
	}
	content, err := json.Marshal(filter)
	if err != nil {
		panic("native: a filter does not encode: " + err.Error()) // it is strings
	}
	path := "applications/" + url.PathEscape(name) + "/eventFilter"
	if _, err := r.send(ctx, http.MethodPut, path, nil, content); err != nil {
		return fmt.Errorf("telling the PBX which events to send: %w", err)
	}
	return nil
}

// filterEvents tells the PBX which events to send, at each connection: Asterisk forgets it with the
// connection that it was told on. A PBX that cannot be told sends all, which costs more and loses
// nothing; whether it keeps back what matters, the snapshot finds out.
func (s *Source) filterEvents(ctx context.Context) {
	if err := s.control.rest.filterEvents(ctx, s.cfg.Application); err != nil && ctx.Err() == nil {
		s.obs.NotFiltered(err)
	}
}

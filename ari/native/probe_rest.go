package native

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/risposta/gateway/ari"
)

// Probe implements ari.Control.
func (c *Control) Probe(ctx context.Context, r ari.ProbeRequest) ari.ProbeAnswer {
	a := ari.ProbeAnswer{Serial: r.Serial, Channel: r.Channel, Packets: ari.NoPackets}
	channel := ari.Channel{ID: r.Channel, Name: r.Name}
	if r.Conference != nil {
		a.Conference, a.Active = r.Conference.Bridge, c.rest.active(ctx, r)
		return a
	}
	if r.Hold {
		a.Asked, a.Hold = true, c.rest.hold(ctx, channel)
	}
	if r.Media {
		a.Packets = c.rest.packets(ctx, r)
	}
	if r.App {
		a.App = c.rest.runningApp(ctx, r.Channel)
	}
	if r.Options {
		a.Options = c.options.of(ctx, c.rest, channel.Endpoint())
	}
	return a
}

// Lists implements ari.Control.
func (c *Control) Lists(ctx context.Context) (*ari.Snapshot, error) {
	channels, bridges, err := c.rest.lists(ctx)
	if err != nil {
		return nil, err
	}
	s := &ari.Snapshot{Legs: make([]ari.Leg, len(channels)), Bridges: bridges}
	for i, ch := range channels {
		s.Legs[i] = ari.Leg{Channel: ch}
	}
	return s, nil
}

// variable reads a variable or function of a channel. It fails where the PBX does not know it.
func (r *rest) variable(ctx context.Context, ch ari.ChannelID, name string) (string, error) {
	body, err := r.do(ctx, http.MethodGet, "channels/"+url.PathEscape(string(ch))+"/variable",
		url.Values{"variable": {name}})
	if err != nil {
		return "", err
	}
	var answer struct {
		Value string `json:"value"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", fmt.Errorf("reading variable %s of channel %s: %w", name, ch, err)
	}
	return answer.Value, nil
}

// packets is how many audio packets have come from a PJSIP channel.
func (r *rest) packets(ctx context.Context, req ari.ProbeRequest) int64 {
	body, err := r.do(ctx, http.MethodGet,
		"channels/"+url.PathEscape(string(req.Channel))+"/rtp_statistics", nil)
	var statistics struct {
		Received *int64 `json:"rxcount"`
	}
	if err != nil || json.Unmarshal(body, &statistics) != nil || statistics.Received == nil {
		return ari.NoPackets
	}
	n := *statistics.Received
	if n == req.Packets && r.bypassed(ctx, req.Channel) {
		return ari.NoPackets
	}
	return n
}

// bypassed reports whether the phone sends its packets to the other one directly. Where the PBX
// does not say, it may.
func (r *rest) bypassed(ctx context.Context, ch ari.ChannelID) bool {
	address, err := r.variable(ctx, ch, "CHANNEL(rtp,direct)")
	return err != nil || address != "" && address != noAddress
}

// noAddress is Asterisk's text for an address that is not set.
const noAddress = "(null)"

// runningApp is the application that a channel runs; "" where it is not known.
func (r *rest) runningApp(ctx context.Context, ch ari.ChannelID) string {
	body, err := r.do(ctx, http.MethodGet, "channels/"+url.PathEscape(string(ch)), nil)
	if err != nil {
		return ""
	}
	channels, err := ari.DecodeChannels([]byte("[" + string(body) + "]"))
	if err != nil || len(channels) != 1 {
		return ""
	}
	return channels[0].App
}

// active are the members of a conference who hear and speak; nil where that is not known.
func (r *rest) active(ctx context.Context, req ari.ProbeRequest) []ari.ChannelID {
	room := req.Conference.Room
	if room == "" || strings.ContainsAny(room, "(),${}\"\\") { // it cannot be an argument
		return nil
	}
	names, err := r.variable(ctx, req.Channel, "CONFBRIDGE_CHANNELS(active,"+room+")")
	if err != nil {
		return nil
	}
	active := []ari.ChannelID{}
	for name := range strings.SplitSeq(names, ",") {
		if id, ok := req.Conference.Members[name]; ok {
			active = append(active, id)
		}
	}
	return active
}

// endpoints remembers the options of endpoints, which do not change from call to call.
type endpoints struct {
	mu    sync.Mutex
	known map[string]endpoint
}

type endpoint struct {
	options ari.EndpointOptions
	asked   time.Time
}

const (
	// optionsFor is how long an answer about an endpoint is used. An option that is changed takes
	// effect within that time.
	optionsFor = 5 * time.Minute
	// maxEndpoints bounds the answers that are kept: more endpoints than a PBX has.
	maxEndpoints = 1 << 14
)

// of are the options of a channel's endpoint; nil where they are not known.
func (e *endpoints) of(ctx context.Context, r *rest, name string) *ari.EndpointOptions {
	e.mu.Lock()
	known, ok := e.known[name]
	e.mu.Unlock()
	if ok && time.Since(known.asked) < optionsFor {
		return &known.options
	}
	options, ok := r.endpointOptions(ctx, name)
	if !ok {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known == nil || len(e.known) >= maxEndpoints {
		e.known = map[string]endpoint{}
	}
	e.known[name] = endpoint{options, time.Now()}
	return &options
}

func (r *rest) endpointOptions(ctx context.Context, name string) (o ari.EndpointOptions, ok bool) {
	body, err := r.do(ctx, http.MethodGet, "asterisk/config/dynamic/res_pjsip/endpoint/"+
		url.PathEscape(strings.TrimPrefix(name, "PJSIP/")), nil)
	var attributes []struct {
		Attribute string `json:"attribute"`
		Value     string `json:"value"`
	}
	if err != nil || json.Unmarshal(body, &attributes) != nil {
		return o, false
	}
	for _, a := range attributes {
		switch a.Attribute {
		case "rtp_timeout":
			seconds, err := strconv.Atoi(a.Value)
			if err != nil {
				return o, false
			}
			o.RTPTimeout = time.Duration(seconds) * time.Second
		case "suppress_moh_on_sendonly":
			o.HidesHolds = a.Value == "true"
		}
	}
	return o, true
}

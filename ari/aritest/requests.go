package aritest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/coder/websocket"

	"github.com/risposta/gateway/ari"
)

// Created stands, in the paths that Answer takes, for the channel that a client makes: any that has
// no answer of its own.
const Created = "created"

// requests handles what a gateway asks.
func (p *PBX) requests() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ari/asterisk/ping", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]string{"ping": "pong", "timestamp": stamp(p.Now())})
	})
	mux.HandleFunc("GET /ari/asterisk/info", p.info)
	mux.HandleFunc("GET /ari/applications", p.listApplications)
	mux.HandleFunc("GET /ari/applications/{name}", p.showApplication)
	mux.HandleFunc("PUT /ari/applications/{name}/eventFilter", p.setFilter)
	mux.HandleFunc("GET /ari/channels", p.listChannels)
	mux.HandleFunc("POST /ari/channels/create", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]string{}) // the client has chosen the id
	})
	mux.HandleFunc("DELETE /ari/channels/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		_ = p.Send(Frame(ari.Event{ // to a client that is still there
			Kind: ari.ChannelDestroyed, At: p.Now(), Node: p.node,
			Channel: ari.Channel{ID: ari.ChannelID(r.PathValue("id")), Name: "Local/s@check-1;1"},
		}))
	})
	mux.HandleFunc("GET /ari/bridges", p.listBridges)
	mux.HandleFunc("GET /ari/channels/{id}/variable", p.variable)
	mux.HandleFunc("POST /ari/events/user/{name}", p.userEvent)
	mux.HandleFunc("GET /ari/events", p.events)
	return mux
}

func reply(w http.ResponseWriter, v any) {
	_, _ = w.Write(encode(v)) //nolint:gosec // what a test has set, for the gateway under test
}

func (p *PBX) info(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	fail := p.infoFails > 0
	if fail {
		p.infoFails--
	}
	p.mu.Unlock()
	if fail {
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	}
	p.mu.Lock()
	started := p.started
	p.mu.Unlock()
	reply(w, map[string]map[string]string{
		"system": {"entity_id": p.node, "version": "22"}, "config": {"name": "fake"},
		"status": {"startup_time": stamp(started)},
	})
}

func (p *PBX) listApplications(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	name, there := p.application, p.conn != nil || p.opening || p.nameTaken
	p.mu.Unlock()
	if name == "" {
		name = ari.DefaultApplication
	}
	names := []map[string]string{}
	if there {
		names = append(names, map[string]string{"name": name})
	}
	reply(w, names)
}

func (p *PBX) showApplication(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	topics := []string{"__AST_CHANNEL_ALL_TOPIC"}
	if p.unsubscribed {
		topics = nil
	}
	allowed := []eventType{}
	for _, t := range p.filter {
		allowed = append(allowed, eventType{t})
	}
	p.mu.Unlock()
	reply(w, struct {
		Name     string      `json:"name"`
		Channels []string    `json:"channel_ids"`
		Allowed  []eventType `json:"events_allowed"`
	}{r.PathValue("name"), topics, allowed})
}

// eventType is an entry of an event filter.
type eventType struct {
	Type string `json:"type"`
}

func (p *PBX) setFilter(w http.ResponseWriter, r *http.Request) {
	var body struct{ Allowed []eventType }
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.noFilter {
		http.Error(w, `{"message":"Resource not found"}`, http.StatusNotFound)
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, `{"message":"Bad request"}`, http.StatusBadRequest)
		return
	}
	p.filter, p.filters = nil, p.filters+1
	for _, t := range body.Allowed {
		p.filter = append(p.filter, t.Type)
	}
	reply(w, map[string]string{"name": r.PathValue("name")})
}

func (p *PBX) listChannels(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	during := p.duringSnapshot
	p.mu.Unlock()
	if during != nil {
		during()
	}
	list := []*wireChannel{}
	p.mu.Lock()
	for _, c := range p.channels {
		list = append(list, channelOf(c))
	}
	p.mu.Unlock()
	reply(w, list)
}

func (p *PBX) listBridges(w http.ResponseWriter, _ *http.Request) {
	list := []*wireBridge{}
	p.mu.Lock()
	for _, b := range p.bridges {
		list = append(list, bridgeOf(b))
	}
	p.mu.Unlock()
	reply(w, list)
}

func (p *PBX) variable(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("variable") == "CHANNEL(pjsip,request_uri)" {
		reply(w, map[string]string{"value": p.requestURI(ari.ChannelID(r.PathValue("id")))})
		return
	}
	p.mu.Lock()
	hold, ok := p.hold[ari.ChannelID(r.PathValue("id"))]
	ok = ok || p.hold == nil // a PBX whose channels are not known: none holds
	p.mu.Unlock()
	if !ok || r.URL.Query().Get("variable") != "CHANNEL(rtp,hold)" {
		http.Error(w, `{"message":"Unable to read provided function"}`, http.StatusInternalServerError)
		return
	}
	value := "0"
	if hold == ari.HoldOn {
		value = "1"
	}
	reply(w, map[string]string{"value": value})
}

// requestURI is what a channel was called by; "" where the PBX called.
func (p *PBX) requestURI(id ari.ChannelID) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.channels {
		if c.ID == id && c.Exten != "" && c.AppData != "(Outgoing Line)" {
			return "sip:" + c.Exten + "@192.0.2.1"
		}
	}
	return ""
}

func (p *PBX) userEvent(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	drop := p.noHeartbeats
	p.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
	n, ok := ari.HeartbeatNumber(r.PathValue("name"))
	if drop || !ok {
		return
	}
	// An error means that the socket has been cut meanwhile.
	_ = p.Send(Frame(ari.Event{Kind: ari.Heartbeat, Heartbeat: n, At: p.Now(), Node: p.node}))
}

// events serves the event socket of a gateway that connects to the PBX.
func (p *PBX) events(w http.ResponseWriter, r *http.Request) {
	// As Asterisk does: the application exists before the client learns that it is connected.
	p.set(func() { p.application, p.opening = r.URL.Query().Get("app"), true })
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"ari"}})
	if err != nil {
		p.set(func() { p.opening = false })
		return
	}
	p.serve(conn)
}

// Connect opens the event socket itself, to a gateway that listens at a ws:// address, as an
// outbound connection of Asterisk does, and sends the frames that it has kept before any other. It
// returns when they are sent.
func (p *PBX) Connect(
	ctx context.Context, url, username, password string, kept ...[]byte,
) error {
	auth := base64.StdEncoding.EncodeToString([]byte(username + ":" + password))
	p.set(func() { p.opening = true })
	options := &websocket.DialOptions{
		HTTPHeader:   http.Header{"Authorization": {"Basic " + auth}},
		Subprotocols: []string{"ari"},
	}
	conn, _, err := websocket.Dial(ctx, url, options) //nolint:bodyclose // the library closes it
	if err != nil {
		p.set(func() { p.opening = false })
		return fmt.Errorf("connecting to the gateway at %s: %w", url, err)
	}
	for _, frame := range kept {
		err = errors.Join(err, conn.Write(ctx, websocket.MessageText, frame))
	}
	go p.serve(conn) //nolint:gosec // ctx bounds the connecting, not the connection
	return err
}

// serve keeps the socket until it ends: a gateway sends nothing over it.
func (p *PBX) serve(conn *websocket.Conn) {
	p.set(func() { p.conn, p.opening, p.connects = conn, false, p.connects+1 })
	_, _, _ = conn.Read(context.Background())
	_ = conn.CloseNow()
	p.set(func() {
		if p.conn == conn {
			p.conn = nil
		}
	})
}

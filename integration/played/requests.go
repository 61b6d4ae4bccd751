package main

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// player is as much of a PBX as a gateway needs, with the calls of a recording.
type player struct {
	rate, calls int
	node        string // its asterisk_id
	frames      []template

	writing sync.Mutex // of the event socket
	mu      sync.Mutex
	conn    net.Conn // the event socket, nil before it is open
	app     string
	allowed map[string]bool // by the event filter; nil: all types
	playing bool
}

// wanted are the frames that the event filter lets through.
func (p *player) wanted() []template {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.allowed == nil {
		return p.frames
	}
	var some []template
	for _, t := range p.frames {
		if p.allowed[t.kind] {
			some = append(some, t)
		}
	}
	return some
}

func (p *player) requests() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ari/asterisk/ping", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]string{"ping": "pong", "timestamp": now()})
	})
	mux.HandleFunc("GET /ari/asterisk/info", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]map[string]string{
			"system": {"entity_id": p.node, "version": "22"}, "config": {"name": "player"},
			"status": {"startup_time": now()},
		})
	})
	mux.HandleFunc("GET /ari/applications", p.applications)
	mux.HandleFunc("GET /ari/applications/{name}", func(w http.ResponseWriter, r *http.Request) {
		reply(w, map[string]any{
			"name": r.PathValue("name"), "channel_ids": []string{"__AST_CHANNEL_ALL_TOPIC"},
		})
	})
	mux.HandleFunc("PUT /ari/applications/{name}/eventFilter", p.filter)
	mux.HandleFunc("GET /ari/channels", p.list)
	mux.HandleFunc("GET /ari/bridges", p.list)
	const endpoints = "GET /ari/asterisk/config/dynamic/res_pjsip/endpoint/{name}"
	mux.HandleFunc(endpoints, func(w http.ResponseWriter, _ *http.Request) {
		reply(w, []map[string]string{
			{"attribute": "rtp_timeout", "value": "30"},
			{"attribute": "suppress_moh_on_sendonly", "value": "false"},
		})
	})
	mux.HandleFunc("POST /ari/events/user/{name}", p.userEvent)
	mux.HandleFunc("GET /ari/events", p.events)
	return mux
}

func now() string { return time.Now().UTC().Format(stampLayout) }

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the gateway has gone otherwise
}

func (p *player) applications(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := []map[string]string{}
	if p.conn != nil {
		list = append(list, map[string]string{"name": p.app})
	}
	reply(w, list)
}

func (p *player) filter(w http.ResponseWriter, r *http.Request) {
	var body struct{ Allowed []struct{ Type string } }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allowed = map[string]bool{}
	for _, t := range body.Allowed {
		p.allowed[t.Type] = true
	}
	reply(w, map[string]string{"name": r.PathValue("name")})
}

// list answers before the first call, when nothing exists. Later a PBX would list the calls; the
// player gives no answer, which a gateway bears for longer than a run takes.
func (p *player) list(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.playing {
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	}
	reply(w, []string{})
}

func (p *player) userEvent(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusNoContent)
	_, _ = p.flushEvent(fmt.Appendf(nil,
		`{"type":"ChannelUserevent","eventname":%q,"userevent":{},"timestamp":%q,"asterisk_id":%q}`,
		r.PathValue("name"), now(), p.node))
}

func (p *player) flushEvent(text []byte) (int, error) {
	p.mu.Lock()
	conn := p.conn
	p.mu.Unlock()
	if conn == nil {
		return 0, net.ErrClosed
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	return conn.Write(webSocketFrame(text))
}

// events opens the event socket, and keeps it until the gateway ends it.
func (p *player) events(w http.ResponseWriter, r *http.Request) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = conn.Close() }()
	const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + magic))
	_, _ = fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Protocol: ari\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	p.mu.Lock()
	p.conn, p.app = conn, r.URL.Query().Get("app")
	p.mu.Unlock()
	if rw.Flush() == nil {
		_, _ = io.Copy(io.Discard, rw)
	}
	p.mu.Lock()
	p.conn = nil
	p.mu.Unlock()
}

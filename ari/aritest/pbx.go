// Package aritest is a PBX that does what a real one can't be made to do: it stalls, garbles, cuts off and lies, on command.
//
// It speaks just enough ARI for a gateway to connect. It proves nothing on its own: what a real Asterisk can show is shown on a real one.
package aritest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// PBX is one fake. Its zero settings are those of a well-behaved, idle PBX.
type PBX struct {
	server *httptest.Server

	mu       sync.Mutex
	conn     *websocket.Conn
	app      string
	taken    bool
	opening  bool
	deaf     bool
	mute     bool
	channels string
	bridges  string
	hold     map[string]string
	before   func() // called while the list of channels is asked for
	connects int
	ahead    time.Duration
}

// Node is the fake's asterisk_id.
const Node = "02:00:00:00:00:99"

// New starts a fake.
func New() *PBX {
	p := &PBX{channels: "[]", bridges: "[]", hold: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ari/asterisk/ping", text(`{"ping":"pong","timestamp":"2026-11-23T10:00:00.000+0000"}`))
	mux.HandleFunc("GET /ari/asterisk/info", text(`{"system":{"entity_id":"`+Node+`","version":"22"},"config":{"name":"fake"}}`))
	mux.HandleFunc("GET /ari/applications", p.applications)
	mux.HandleFunc("GET /ari/applications/{name}", p.application)
	mux.HandleFunc("GET /ari/channels", p.listChannels)
	mux.HandleFunc("GET /ari/bridges", func(w http.ResponseWriter, _ *http.Request) { p.write(w, &p.bridges) })
	mux.HandleFunc("GET /ari/channels/{id}/variable", p.variable)
	mux.HandleFunc("POST /ari/events/user/{name}", p.userEvent)
	mux.HandleFunc("GET /ari/events", p.events)
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "risposta" || password != "secret" {
			http.Error(w, `{"message":"Authentication required"}`, http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	return p
}

// URL is where its ARI answers, for user "risposta" with password "secret".
func (p *PBX) URL() string { return p.server.URL + "/ari" }

// Close ends it.
func (p *PBX) Close() {
	p.Cut()
	p.server.CloseClientConnections()
	p.server.Close()
}

func (p *PBX) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// Mute keeps canaries back: the PBX seems to live, and says nothing.
func (p *PBX) Mute(yes bool) { p.set(func() { p.mute = yes }) }

// SetClock sets the PBX's clock ahead of ours.
func (p *PBX) SetClock(ahead time.Duration) { p.set(func() { p.ahead = ahead }) }

// Now is the PBX's clock.
func (p *PBX) Now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.ahead).UTC()
}

// Deafen makes the application appear without its subscriptions.
func (p *PBX) Deafen(yes bool) { p.set(func() { p.deaf = yes }) }

// Take makes the application's name appear as taken by somebody else.
func (p *PBX) Take(yes bool) { p.set(func() { p.taken = yes }) }

// Exist sets what the lists of channels and bridges answer, and who is on hold ("1" or "0" by channel).
func (p *PBX) Exist(channels, bridges string, hold map[string]string) {
	p.set(func() { p.channels, p.bridges, p.hold = channels, bridges, hold })
}

// Before sets what happens while the list of channels is asked for.
func (p *PBX) Before(f func()) { p.set(func() { p.before = f }) }

// Connects is the number of event sockets opened so far.
func (p *PBX) Connects() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.connects
}

// sendTimeout bounds the writing of one frame.
const sendTimeout = 10 * time.Second

// Send sends one frame to the gateway.
func (p *PBX) Send(frame []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	conn, err := p.connected(ctx)
	if err != nil {
		return err
	}
	return conn.Write(ctx, websocket.MessageText, frame)
}

// Settle returns when the gateway has read everything that was sent: it answers a ping only after that.
func (p *PBX) Settle() error {
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	conn, err := p.connected(ctx)
	if err != nil {
		return err
	}
	return conn.Ping(ctx)
}

// connected returns the event socket, and waits for one that is just being opened.
func (p *PBX) connected(ctx context.Context) (*websocket.Conn, error) {
	for {
		p.mu.Lock()
		conn, opening := p.conn, p.opening
		p.mu.Unlock()
		switch {
		case conn != nil:
			return conn, nil
		case !opening || ctx.Err() != nil:
			return nil, errors.New("nobody is connected")
		}
		time.Sleep(time.Millisecond)
	}
}

// Cut closes the event socket as a broken network would.
func (p *PBX) Cut() {
	p.mu.Lock()
	conn := p.conn
	p.conn = nil
	p.mu.Unlock()
	if conn != nil {
		_ = conn.CloseNow()
	}
}

func text(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s) }
}

func (p *PBX) write(w http.ResponseWriter, s *string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprint(w, *s)
}

func (p *PBX) registered() (name string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.app, p.conn != nil || p.opening || p.taken
}

func (p *PBX) applications(w http.ResponseWriter, _ *http.Request) {
	name, ok := p.registered()
	if name == "" {
		name = "risposta"
	}
	if !ok {
		fmt.Fprint(w, "[]")
		return
	}
	fmt.Fprintf(w, `[{"name":%q}]`, name)
}

func (p *PBX) application(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	topics := `"__AST_CHANNEL_ALL_TOPIC"`
	if p.deaf {
		topics = ""
	}
	fmt.Fprintf(w, `{"name":%q,"channel_ids":[%s]}`, r.PathValue("name"), topics)
}

func (p *PBX) listChannels(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	before := p.before
	p.mu.Unlock()
	if before != nil {
		before()
	}
	p.write(w, &p.channels)
}

func (p *PBX) variable(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.hold[r.PathValue("id")]
	if !ok || r.URL.Query().Get("variable") != "CHANNEL(rtp,hold)" {
		http.Error(w, `{"message":"Unable to read provided function"}`, http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, `{"value":%q}`, v)
}

func (p *PBX) userEvent(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	mute := p.mute
	p.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
	if mute {
		return
	}
	frame, err := json.Marshal(map[string]string{
		"type": "ChannelUserevent", "eventname": r.PathValue("name"), "timestamp": p.Now().Format("2006-01-02T15:04:05.000-0700"), "asterisk_id": Node,
	})
	if err == nil {
		_ = p.Send(frame) // the socket may have been cut meanwhile
	}
}

func (p *PBX) events(w http.ResponseWriter, r *http.Request) {
	// As Asterisk does: the application is there before the client is told that it is connected.
	p.set(func() { p.app, p.opening = r.URL.Query().Get("app"), true })
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"ari"}})
	if err != nil {
		p.set(func() { p.opening = false })
		return
	}
	p.set(func() { p.conn, p.opening, p.connects = conn, false, p.connects+1 })
	for { // the gateway says nothing; this ends when the socket does
		if _, _, err := conn.Read(context.Background()); err != nil {
			p.set(func() {
				if p.conn == conn {
					p.conn = nil
				}
			})
			return
		}
	}
}

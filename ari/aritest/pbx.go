// Package aritest helps to test what reads ARI: [Frame] writes events as Asterisk sends them, and
// [PBX] is a fake that does what a real Asterisk cannot be made to do on command. It stalls,
// garbles, disconnects and reports what is not so. [Centre] is a call centre at such a fake.
//
// The fake has just enough of ARI for a gateway to connect. It never shows how a real Asterisk
// behaves: the live tests do.
package aritest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/risposta/gateway/ari"
)

// PBX is one fake. Its zero settings are those of a well-behaved, idle PBX.
type PBX struct {
	node   string
	server *httptest.Server

	mu             sync.Mutex
	conn           *websocket.Conn
	opening        bool   // a client is connecting
	application    string // of the client
	nameTaken      bool
	unsubscribed   bool
	noHeartbeats   bool
	infoFails      int
	channels       []ari.Channel
	bridges        []ari.Bridge
	hold           map[ari.ChannelID]ari.Hold
	duringSnapshot func()
	connects       int
	ahead          time.Duration
	started        time.Time
	answers        map[string]string // by path with query
	filter         []string          // the types of events that the client has asked for
	filters        int               // times that it did
	noFilter       bool
	filtering      bool
}

// Node is the asterisk_id of a fake that [New] starts.
const Node = "02:00:00:00:00:99"

// The user that a gateway logs in as.
const (
	Username = ari.DefaultApplication
	Password = "secret"
)

// New starts a fake.
func New() *PBX { return NewNode(Node) }

// NewNode starts a fake with an asterisk_id of its own.
func NewNode(node string) *PBX {
	p := &PBX{node: node, started: time.Now().Truncate(time.Millisecond)}
	handler := p.requests()
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != Username || password != Password {
			http.Error(w, `{"message":"Authentication required"}`, http.StatusUnauthorized)
			return
		}
		if body, ok := p.answer(r); ok {
			reply(w, json.RawMessage(body))
			return
		}
		handler.ServeHTTP(w, r)
	}))
	return p
}

// Node is its asterisk_id.
func (p *PBX) Node() string { return p.node }

// URL is where its ARI responds, for user Username with Password.
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

// DropHeartbeats discards heartbeats: the PBX seems to run, and no event comes.
func (p *PBX) DropHeartbeats(yes bool) { p.set(func() { p.noHeartbeats = yes }) }

// SetClock sets the PBX's clock ahead of the machine's.
func (p *PBX) SetClock(ahead time.Duration) { p.set(func() { p.ahead = ahead }) }

// FailInfo makes so many questions about who it is fail.
func (p *PBX) FailInfo(times int) { p.set(func() { p.infoFails = times }) }

// SetStarted sets when the PBX was started.
func (p *PBX) SetStarted(at time.Time) { p.set(func() { p.started = at }) }

// Answer sets the JSON that a GET of a path below /ari, with its query, is answered with.
func (p *PBX) Answer(path, body string) {
	p.set(func() {
		if p.answers == nil {
			p.answers = map[string]string{}
		}
		p.answers[path] = body
	})
}

func (p *PBX) answer(r *http.Request) (body string, ok bool) {
	path := strings.TrimPrefix(r.URL.Path, "/ari")
	if variable := r.URL.Query().Get("variable"); variable != "" {
		path += "?variable=" + variable
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if body, ok = p.answers[path]; !ok {
		if rest, channel := strings.CutPrefix(path, "/channels/"); channel {
			_, rest, _ = strings.Cut(rest, "/")
			body, ok = p.answers["/channels/"+Created+"/"+rest]
		}
	}
	return body, ok && r.Method == http.MethodGet
}

// Now is the PBX's clock.
func (p *PBX) Now() time.Time { return p.at(time.Now()) }

// at is what the PBX's clock shows at an instant.
func (p *PBX) at(t time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return t.Add(p.ahead).UTC()
}

// Unsubscribe makes the application appear without its subscriptions.
func (p *PBX) Unsubscribe(yes bool) { p.set(func() { p.unsubscribed = yes }) }

// NameTaken makes another client appear under the application's name.
func (p *PBX) NameTaken(yes bool) { p.set(func() { p.nameTaken = yes }) }

// RefuseFilter makes the PBX one that has no event filter. One that the application has stays.
func (p *PBX) RefuseFilter(yes bool) { p.set(func() { p.noFilter = yes }) }

// SetFilter sets the types of events that the application is sent, as a former client may have left
// them.
func (p *PBX) SetFilter(types ...string) { p.set(func() { p.filter = types }) }

// FollowFilter makes Send keep back what the filter does not name. Otherwise the PBX notes it only.
func (p *PBX) FollowFilter(yes bool) { p.set(func() { p.filtering = yes }) }

// Filter is the event filter that the client has set last, and how often it has set one.
func (p *PBX) Filter() (types []string, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.filter, p.filters
}

// keepsBack reports whether the filter does.
func (p *PBX) keepsBack(frame []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.filtering && len(p.filter) > 0 && !slices.Contains(p.filter, ari.PeekType(frame))
}

// Exist sets the channels and bridges that exist, and which channels hold the other side. The PBX
// reports an error for the hold of a channel that is not in hold.
func (p *PBX) Exist(
	channels []ari.Channel, bridges []ari.Bridge, hold map[ari.ChannelID]ari.Hold,
) {
	p.set(func() { p.channels, p.bridges, p.hold = channels, bridges, hold })
}

// DuringSnapshot sets what happens while the channels are being listed.
func (p *PBX) DuringSnapshot(f func()) { p.set(func() { p.duringSnapshot = f }) }

// Connects is the number of event sockets opened so far.
func (p *PBX) Connects() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.connects
}

// sendTimeout bounds the writing of one frame.
const sendTimeout = 10 * time.Second

// Send sends one frame to the gateway. It fails where none is connected.
func (p *PBX) Send(frame []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	conn, err := p.connected(ctx)
	if err != nil || p.keepsBack(frame) {
		return err
	}
	return conn.Write(ctx, websocket.MessageText, frame)
}

// Flush returns when the gateway has read everything that was sent: it answers a ping only then.
func (p *PBX) Flush() error {
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
			return nil, errors.New("no gateway is connected")
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

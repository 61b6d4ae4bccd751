package proxy

import (
	"encoding/json"
	"fmt"

	"github.com/CyCoreSystems/ari-proxy/v5/proxy"
	cycore "github.com/CyCoreSystems/ari/v5"
	"github.com/nats-io/nats.go"
)

// served are the requests that a meter sends, each with whether it has what ari-proxy's server uses
// without looking. It serves every request of ARI to whoever reaches NATS, down to unloading a module
// and originating a call, and one that lacks its part ends the process.
var served = map[string]func(*proxy.Request) bool{
	"AsteriskInfo":       func(*proxy.Request) bool { return true },
	"ApplicationData":    func(*proxy.Request) bool { return true },
	"BridgeList":         func(*proxy.Request) bool { return true },
	"BridgeData":         func(*proxy.Request) bool { return true },
	"ChannelList":        func(*proxy.Request) bool { return true },
	"ChannelData":        func(*proxy.Request) bool { return true },
	"ChannelVariableGet": func(r *proxy.Request) bool { return r.ChannelVariable != nil },
	"ChannelVariableSet": func(r *proxy.Request) bool { return r.ChannelVariable != nil },
	"ChannelPlay": func(r *proxy.Request) bool {
		return r.ChannelPlay != nil && r.ChannelPlay.PlaybackID != ""
	},
	"ChannelContinue": func(r *proxy.Request) bool { return r.ChannelContinue != nil },
	"ChannelHangup":   func(r *proxy.Request) bool { return r.ChannelHangup != nil },
}

// codec is the JSON of ari-proxy's messages. A request that is not served becomes one of no kind,
// which ari-proxy answers with "Not implemented".
type codec struct{ refused func(kind string) }

// encodedConn is deprecated, and what ari-proxy takes.
type encodedConn = nats.EncodedConn //nolint:staticcheck // see above

func (c codec) over(conn *nats.Conn) *encodedConn { return &encodedConn{Conn: conn, Enc: c} }

// Encode implements nats.Encoder.
func (codec) Encode(subject string, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("a message for %s: %w", subject, err)
	}
	return text, nil
}

// Decode implements nats.Encoder.
func (c codec) Decode(subject string, data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("a message on %s: %w", subject, err)
	}
	r, ok := v.(*proxy.Request)
	if !ok {
		return nil
	}
	if complete := served[r.Kind]; complete == nil || !complete(r) {
		c.refused(r.Kind)
		r.Kind = ""
	}
	if r.Key == nil {
		r.Key = cycore.NewKey("", "")
	}
	return nil
}

// noDialogs keeps no dialogs: ari-proxy would remember each command's.
type noDialogs struct{}

// List implements dialog.Manager.
func (noDialogs) List(_, _ string) []string { return nil }

// Bind implements dialog.Manager.
func (noDialogs) Bind(_, _, _ string) {}

// Unbind implements dialog.Manager.
func (noDialogs) Unbind(_, _ string) {}

// UnbindDialog implements dialog.Manager.
func (noDialogs) UnbindDialog(string) {}

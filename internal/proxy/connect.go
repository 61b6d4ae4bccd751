package proxy

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// connect begins to connect to NATS, and goes on for as long as the process runs. Requests that come
// while there is no connection are answered with a timeout at the meter.
func (p *Proxy) connect() (*nats.Conn, error) {
	options := append([]nats.Option{
		nats.Name("risposta proxy"), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true),
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectBufSize(-1), // an answer that comes late is of no use
		nats.ReconnectWait(reconnectWait),
		nats.ConnectHandler(p.connected), nats.ReconnectHandler(p.connected),
		nats.DisconnectErrHandler(func(c *nats.Conn, err error) {
			setBool(p.metrics.connected, false)
			if !c.IsClosed() {
				p.log.Warn(evDisconnected, zap.Error(err))
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			p.log.Warn(evFailed, zap.Error(err))
		}),
	}, p.cfg.NATS...)
	conn, err := nats.Connect(p.cfg.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connecting to NATS: %w", withoutAddress(err))
	}
	return conn, nil
}

// flushTimeout bounds the sending of the last answers.
const flushTimeout = time.Second

func (p *Proxy) disconnect(conn *nats.Conn) {
	if conn.IsConnected() {
		_ = conn.FlushTimeout(flushTimeout) // what is lost the meter takes for failed
	}
	conn.Close()
	setBool(p.metrics.connected, false)
}

// reconnectWait is the wait between two tries.
const reconnectWait = maxRetry / 5

func (p *Proxy) connected(*nats.Conn) {
	setBool(p.metrics.connected, true)
	p.log.Info(evConnected)
}

// withoutAddress keeps an address out of an error: it may hold a password.
func withoutAddress(err error) error {
	if errors.Is(err, nats.ErrNoServers) {
		return errors.New("no server can be reached")
	}
	return err
}

package gateway

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/internal/config"
)

// proxyControl is the way of commands to a node's PBX: through `risposta proxy` beside it.
func (d *Gateway) proxyControl(node string) pbxControl {
	d.metrics.proxyConnected.WithLabelValues(node)
	n := &d.conf.NATS
	return cluster.NewControl(cluster.ControlConfig{
		URLs: n.URLs, Username: n.Username, Password: n.Password.Reveal(), Token: n.Token.Reveal(),
		Application: ari.DefaultApplication, Node: node,
		Observer: proxyObserver{node, d.log.With(zap.String("pbx", node)), d.metrics},
	}, unasked{})
}

// unasked is of a meter, which asks the tap: [cluster.Source.Probe].
type unasked struct{}

// Probe implements cluster.Asker.
func (unasked) Probe(context.Context, ari.ProbeRequest) ari.ProbeAnswer { return ari.ProbeAnswer{} }

// Heartbeat implements cluster.Asker.
func (unasked) Heartbeat(context.Context, uint64) error {
	return errors.New("asking for a heartbeat: the tap does")
}

// proxyObserver logs and counts the connection to NATS.
type proxyObserver struct {
	pbx     string
	log     *zap.Logger
	metrics *metrics
}

// Connected implements cluster.ControlObserver.
func (o proxyObserver) Connected() {
	o.metrics.proxyConnected.WithLabelValues(o.pbx).Set(1)
	o.log.Info(evProxyConnected)
}

// Disconnected implements cluster.ControlObserver.
func (o proxyObserver) Disconnected(err error, wait time.Duration) {
	o.metrics.proxyConnected.WithLabelValues(o.pbx).Set(0)
	o.log.Warn(evProxyLost, zap.Error(err), zap.Int64("retry_in_ms", wait.Milliseconds()))
}

// OpenControl is the straight way to a PBX, for `risposta proxy`.
func OpenControl(p config.PBX) (*native.Control, error) {
	conf := native.Config{
		URL: p.URL, Username: p.Username, Password: p.Password.Reveal(), Application: p.Application,
	}
	if p.CAFile != "" {
		ca, err := Trust(p.CAFile)
		if err != nil {
			return nil, err
		}
		conf.CA = ca
	}
	return native.NewControl(conf), nil
}

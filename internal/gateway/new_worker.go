package gateway

import (
	"crypto/rand"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/live"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/internal/mediation"
)

// newWorker makes the worker of a PBX of the configuration.
func (d *Gateway) newWorker(s *site, p config.PBX, rules mediation.Rules, access access) *pbxWorker {
	rules.ProbeEvery = p.ProbeEvery
	conf := native.Config{
		URL: p.URL, Username: p.Username, Password: p.Password.Reveal(),
		Application: p.Application, CA: access.ca,
	}
	w := d.baseWorker(s, p.Name, rules, native.NewControl(conf))
	w.onlyPBX = len(d.conf.PBX) == 1
	conf.MayCall = func(c ari.Channel) bool { return (*w.mayCall.Load())(c) }
	conf.Resume, conf.ReadEvery, conf.Desk = w.takePosition, w.commitEvery, w.desk.Deliver
	if access.listener != nil {
		conf.Listen = &native.Listen{
			Listener: access.listener, TLS: access.tls,
			Username: p.Listen.Username, Password: p.Listen.Password.Reveal(),
		}
	}
	w.source = native.New(conf, w.queue, w, func(info ari.Info) error {
		return d.nodes.accept(p.Name, info)
	})
	return w
}

// baseWorker makes a worker that has no source yet.
func (d *Gateway) baseWorker(
	s *site, name string, rules mediation.Rules, control pbxControl,
) *pbxWorker {
	conf := d.inForce.Load()
	lookup := lookups.ByNumber{Lookup: d.lookups, Trust: conf.Trust(), Signed: control.Attestation}
	w := &pbxWorker{
		name: name, log: d.log.With(zap.String("pbx", name)), metrics: d.metrics,
		ledger: s.ledger, queue: ari.NewQueue(0), mediator: mediation.New(rules),
		asker: newAsker(lookup, d.metrics, d.log), pseudonyms: s.resolver.Pseudonyms,
		deskBackend: newDeskBackend(d, lookup), control: control,
		runID: rand.Text(), commitEvery: conf.Ledger.CommitEvery,
		beat: make(chan struct{}), terms: make(chan terms), looks: make(chan chan<- live.PBX),
		ended:       make(chan struct{}),
		loggedTypes: map[string]bool{}, loggedExts: map[string]bool{}, trunks: map[string]bool{},
	}
	w.setMayCall(rules.Operators)
	w.metrics.addPBX(name)
	w.committed.Store(true)
	w.desk = frontdesk.New(deskConfig(conf), control, w.deskBackend, w.deskBackend)
	return w
}

package gateway

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/mediation"
)

// terms are what a worker takes of a new configuration.
type terms struct {
	rules    mediation.Rules
	desk     frontdesk.Config
	tellWait bool
}

// Reload puts what load returns in force, for the calls that arrive from there on; where it is wrong,
// nothing of it. It logs which, and what needs a restart. It returns once every worker has taken the
// new terms, or ctx ends. One call at a time.
func (d *Gateway) Reload(ctx context.Context, load func() (*config.Config, error)) {
	d.notify(daemon.SdNotifyReloading)
	defer d.notify(daemon.SdNotifyReady)
	d.changing.Lock() // no site comes or goes meanwhile
	defer d.changing.Unlock()
	workers := d.sites.workers()
	next, needRestart, all, err := d.prepareReload(load, workers)
	if err != nil {
		d.log.Error(evConfigRefused, zap.Error(err))
		return
	}
	if len(needRestart) > 0 {
		d.log.Warn(evConfigNeedsRestart, zap.Strings("keys", needRestart))
	}
	for i, w := range workers { // nothing can fail any more
		select {
		case w.terms <- all[i]:
		case <-w.ended:
		case <-ctx.Done():
			return
		}
	}
	d.inForce.Store(next)
	d.log.Info(evConfigReloaded)
}

// prepareReload makes all that the workers get, before the first gets anything.
func (d *Gateway) prepareReload(load func() (*config.Config, error), workers []*pbxWorker) (
	next *config.Config, needRestart []string, all []terms, err error,
) {
	loaded, err := load()
	if err != nil {
		return nil, nil, nil, err
	}
	if next, needRestart, err = d.inForce.Load().Reload(loaded); err != nil {
		return nil, nil, nil, err
	}
	for i, w := range workers {
		rules, err := next.Rules()
		if err != nil {
			return nil, nil, nil, fmt.Errorf("PBX %s: %w", w.name, err)
		}
		rules.ProbeEvery = next.Meter.ProbeEvery
		if d.cluster == nil {
			rules.ProbeEvery = next.PBX[i].ProbeEvery
		}
		all = append(all, terms{rules, deskConfig(next), next.FrontDesk.TellWait})
	}
	return next, needRestart, all, nil
}

// apply takes new terms, as of now by the PBX's clock: a gap may hide calls that came before.
func (w *pbxWorker) apply(t terms) {
	now, ok := w.mediator.ClockAt(native.BootClock())
	if !ok {
		now = time.Now()
	}
	w.mediator.SetRules(t.rules, now)
	w.setMayCall(t.rules.Operators)
	w.desk.SetConfig(t.desk)
	w.deskBackend.setTellWait(t.tellWait)
}

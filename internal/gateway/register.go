package gateway

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/metering/exemption/registry"
)

// watchEvery is how often the exemption register is looked at. Until a change of it is noted in the
// ledger, an older copy in its place is not recognised.
const watchEvery = 5 * time.Second

// watchRegister reports whether the register can be used, and lets the ledger know its state.
func (d *Gateway) watchRegister(ctx context.Context) {
	r := d.lookups.Registry
	if r == nil {
		return
	}
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	w := registerWatch{gateway: d, usable: true}
	for {
		if err := w.look(ctx, r); err != nil && ctx.Err() == nil {
			d.log.Error(evRegisterUnusable, zap.Error(err))
		}
		w.scrub(ctx, r)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

type registerWatch struct {
	gateway *Gateway
	usable  bool
	noted   registry.State
	left    bool // it was reported that deleted bytes may be left
}

// scrub takes what was deleted out of the register's files, also what a process left there that was
// killed, or found a reader. What fails is tried again, and reported once.
func (w *registerWatch) scrub(ctx context.Context, r *registry.Registry) {
	_, err := r.Scrub(ctx)
	if err == nil {
		w.left = false
		return
	}
	if !w.left && w.usable && ctx.Err() == nil {
		w.gateway.log.Error(evRegisterNotScrubbed, zap.Error(err))
		w.left = true
	}
}

// look returns what is new and wrong.
func (w *registerWatch) look(ctx context.Context, r *registry.Registry) error {
	was := w.usable
	err := r.Usable(ctx)
	if w.usable = err == nil; !w.usable {
		w.gateway.metrics.registerUsable.Set(0)
		if !was {
			return nil // it was reported
		}
		return err
	}
	w.gateway.metrics.registerUsable.Set(1)
	if !was {
		w.gateway.log.Info(evRegisterUsable)
	}
	state, err := r.State(ctx)
	if err != nil || state == w.noted {
		return err
	}
	if err := lookups.Note(ctx, w.gateway.ledger, state); err != nil {
		return err
	}
	w.noted = state
	return nil
}

package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/risposta/gateway/internal/live"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/quality"
)

const (
	// lookTimeout is how long a look waits for a worker, which may be waiting for the disk. Then what
	// was seen last is shown, with its age.
	lookTimeout = 500 * time.Millisecond
	// countsEvery is how often the counts of today are read from the ledger, at most.
	countsEvery = 10 * time.Second
)

// answerable is where looks come from while everything that the mediator knows is committed, apart
// from the watermark: nothing is shown that a crash takes back.
func (w *pbxWorker) answerable() <-chan chan<- live.PBX {
	b := w.out.Batch
	b.Watermark = time.Time{}
	if !b.Empty() {
		return nil
	}
	return w.looks
}

// look copies what the page and `risposta top` show of the PBX. While nobody asks, it
// costs nothing.
func (w *pbxWorker) look() live.PBX {
	p := live.PBX{
		AsOf: time.Now(), Watermark: w.mediator.Watermark(),
		Calls: make([]metering.Call, 0, w.mediator.OpenCalls()),
	}
	w.mediator.EachCall(func(c *metering.Call) { p.Calls = append(p.Calls, live.Copy(c)) })
	return p
}

// viewer makes the views of the gateway, and keeps what they need from one to the next.
type viewer struct {
	gateway *Gateway
	last    map[*pbxWorker]live.PBX // as each answered last
	today   []quality.Row
	counted time.Time // when they were read
}

// view is the gateway as it is now. It is for one goroutine at a time.
func (v *viewer) view(ctx context.Context) (live.View, error) {
	now, d := time.Now(), v.gateway
	s := live.State{
		At: now, Terms: d.conf.Quality.Terms(), Objectives: d.conf.Quality.Targets(),
		PBXs: v.look(ctx), Pending: d.sites.pending(),
	}
	if now.Sub(v.counted) >= countsEvery || now.UTC().Day() != v.counted.UTC().Day() {
		var rows []quality.Row
		day := now.UTC().Truncate(24 * time.Hour)
		err := d.ledger.Quality(ctx, day, day.AddDate(0, 0, 1), "", func(r quality.Row) error {
			rows = append(rows, r)
			return nil
		})
		if err != nil {
			return live.View{}, err
		}
		v.today, v.counted = rows, now
	}
	s.Today = v.today
	return live.New(s), nil
}

// look asks all workers at once.
func (v *viewer) look(ctx context.Context) []live.PBX {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	workers := v.gateway.sites.workers()
	now := make([]live.PBX, len(workers))
	var asked sync.WaitGroup
	for i, w := range workers {
		now[i] = v.last[w]
		asked.Go(func() { w.askTo(ctx, &now[i]) })
	}
	asked.Wait()
	v.last = make(map[*pbxWorker]live.PBX, len(workers))
	for i, w := range workers {
		v.last[w] = now[i]
	}
	return now
}

// askTo replaces what the worker answered last, where it answers in time.
func (w *pbxWorker) askTo(ctx context.Context, p *live.PBX) {
	reply := make(chan live.PBX, 1)
	select {
	case w.looks <- reply:
		*p = <-reply
	case <-ctx.Done():
	}
	p.Name, p.Committed, p.Inbox = w.name, w.committed.Load(), w.queue.Len()
	if s := w.sync.Load(); s != nil {
		p.Synced, p.Node, p.Since, p.Reason = s.synced, s.node, s.since, s.reason
	}
}

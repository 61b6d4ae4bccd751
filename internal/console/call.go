package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/risposta/gateway/internal/timeline"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// callPage is what call.html shows.
type callPage struct {
	T        texts
	Query    string
	Call     metering.CallID
	Timeline *timeline.Timeline // nil: the evidence is erased
	Newest   *metering.Record   // nil: the call is open
	Versions []metering.Record
	Chart    *chart
	Rows     []timelineRow
}

// timelineRow is a stretch of the call, in words.
type timelineRow struct {
	timeline.Row
	What, Why string
}

// call is the page of one call: each second, and why it is charged or free.
func (c *Console) call(resp http.ResponseWriter, req *http.Request, t texts) {
	p, err := c.readCall(req.Context(), metering.CallID(req.PathValue("call")), t)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		c.fail(resp, t, http.StatusNotFound, t.NotFound)
	case err != nil:
		c.fail(resp, t, http.StatusInternalServerError, err.Error())
	default:
		c.write(resp, t, http.StatusOK, "call.html", p)
	}
}

func (c *Console) readCall(ctx context.Context, call metering.CallID, t texts) (*callPage, error) {
	p := &callPage{T: t, Call: call}
	versions, err := c.ledger.Versions(ctx, call)
	if err != nil {
		return nil, err
	}
	var newest []byte
	for _, text := range versions {
		var r metering.Record
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, err
		}
		p.Versions, newest = append(p.Versions, r), text
		p.Newest = &p.Versions[len(p.Versions)-1]
	}
	frames, err := c.ledger.Evidence(ctx, call)
	switch {
	case err != nil:
		return nil, err
	case len(frames) == 0 && newest == nil:
		return nil, ledger.ErrNotFound
	case len(frames) == 0:
		return p, nil // it is erased
	}
	if p.Timeline, err = timeline.New(call, frames, newest); err != nil {
		return nil, err
	}
	for _, r := range p.Timeline.Rows {
		p.Rows = append(p.Rows, timelineRow{r, t.what(r), t.why(r)})
	}
	p.Chart = newChart(t, p.Rows)
	return p, nil
}

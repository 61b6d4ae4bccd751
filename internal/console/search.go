package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// The bounds of a search by pseudonym, which reads the records of one day after the other: no index
// of callers is kept.
const (
	maxFound   = 100
	searchTime = 2 * time.Second // after which no earlier day is begun
	maxDays    = 3700            // more than a ledger keeps detail for
	maxQuery   = 200             // bytes
)

// foundPage is what found.html shows.
type foundPage struct {
	T       texts
	Query   string
	Found   []foundCall
	Since   string // the first day that was looked at
	Earlier string // the address that goes on with the days before; "": all were looked at
}

// Heading names the caller.
func (p foundPage) Heading() string { return fmt.Sprintf(p.T.FoundOf, p.Query) }

type foundCall struct {
	metering.Record
	Path string
}

// search leads to a call by its id or its record's, or lists the calls of a pseudonym.
func (c *Console) search(resp http.ResponseWriter, req *http.Request, t texts) {
	q := strings.TrimSpace(req.FormValue("q"))
	if q == "" || len(q) > maxQuery {
		c.fail(resp, t, http.StatusBadRequest, t.AskFor)
		return
	}
	ctx := req.Context()
	call, err := c.ledger.CallOf(ctx, q)
	if errors.Is(err, ledger.ErrNotFound) {
		call = metering.CallID(q)
		err = c.exists(ctx, call)
	}
	switch {
	case err == nil:
		path := callPath(t.Lang, call)
		http.Redirect(resp, req, path, http.StatusSeeOther) //nolint:gosec // a path of ours, escaped
	case !errors.Is(err, ledger.ErrNotFound):
		c.fail(resp, t, http.StatusInternalServerError, err.Error())
	case metering.KeyOf(q) != "":
		c.listCaller(resp, req, t, q)
	default:
		c.write(resp, t, http.StatusNotFound, "message.html",
			messagePage{T: t, Query: q, Message: t.NotFound})
	}
}

// exists returns ErrNotFound for a call of which the ledger has nothing.
func (c *Console) exists(ctx context.Context, call metering.CallID) error {
	_, err := c.ledger.Record(ctx, call)
	if !errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	frames, ferr := c.ledger.Evidence(ctx, call)
	if ferr == nil && len(frames) > 0 {
		return nil // it is open
	}
	return errors.Join(err, ferr)
}

func (c *Console) listCaller(resp http.ResponseWriter, req *http.Request, t texts, caller string) {
	select {
	case c.searches <- struct{}{}:
		defer func() { <-c.searches }()
	default:
		c.fail(resp, t, http.StatusServiceUnavailable, t.SearchBusy)
		return
	}
	day := c.now().UTC().Truncate(24 * time.Hour)
	if before := req.FormValue("before"); before != "" {
		at, err := time.Parse(time.DateOnly, before)
		if err != nil {
			c.fail(resp, t, http.StatusBadRequest, t.AskFor)
			return
		}
		day = at.AddDate(0, 0, -1)
	}
	page := foundPage{T: t, Query: caller}
	began := c.now()
	for n := 0; n < maxDays; n++ {
		if err := c.addDay(req.Context(), &page, day); err != nil {
			c.fail(resp, t, http.StatusInternalServerError, err.Error())
			return
		}
		page.Since = day.Format(time.DateOnly)
		if len(page.Found) >= maxFound || c.now().Sub(began) > searchTime {
			page.Earlier = "/" + t.Lang + "/search?q=" + url.QueryEscape(caller) + "&before=" + page.Since
			break
		}
		day = day.AddDate(0, 0, -1)
	}
	c.write(resp, t, http.StatusOK, "found.html", page)
}

// addDay adds the calls of a pseudonym that arrived on a day, the latest first.
func (c *Console) addDay(ctx context.Context, page *foundPage, day time.Time) error {
	var found []foundCall
	name := []byte(`"` + page.Query + `"`)
	q := ledger.Query{Since: day, Until: day.AddDate(0, 0, 1)}
	err := c.ledger.Records(ctx, q, func(text []byte) error {
		if !bytes.Contains(text, name) {
			return nil
		}
		var r metering.Record
		if err := json.Unmarshal(text, &r); err != nil {
			return err
		}
		found = append([]foundCall{{r, callPath(page.T.Lang, r.Call)}}, found...)
		return nil
	})
	page.Found = append(page.Found, found...)
	return err
}

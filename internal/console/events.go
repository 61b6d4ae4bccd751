package console

import (
	"bytes"
	"net/http"
	"time"
)

// writeTimeout bounds the sending of one change to one who watches: a reader that stands still is let
// go.
const writeTimeout = 5 * time.Second

// watch sends the sections that have changed, as server-sent events, until the reader goes.
func (c *Console) watch(resp http.ResponseWriter, req *http.Request, t texts) {
	safe(resp.Header())
	select {
	case c.watchers <- struct{}{}:
		defer func() { <-c.watchers }()
	default:
		resp.Header().Set("Retry-After", "30")
		http.Error(resp, "too many are watching", http.StatusServiceUnavailable)
		return
	}
	resp.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(resp)
	// The server's bound of a request is over once the request is read: this one goes on.
	if err := out.SetReadDeadline(time.Time{}); err != nil {
		http.Error(resp, err.Error(), http.StatusInternalServerError)
		return
	}
	ticker := time.NewTicker(viewEvery)
	defer ticker.Stop()
	sent := map[string]string{}
	for {
		if err := c.sendChanges(resp, out, req, t, sent); err != nil {
			return // the reader has gone, or stands still
		}
		select {
		case <-ticker.C:
		case <-req.Context().Done():
			return
		case <-c.done:
			return
		}
	}
}

// sendChanges sends the sections that are not as they were sent last.
func (c *Console) sendChanges(
	resp http.ResponseWriter, out *http.ResponseController, req *http.Request, t texts,
	sent map[string]string,
) error {
	sections, err := c.sections(req.Context(), t)
	if err != nil {
		return err // the reader connects again
	}
	var b bytes.Buffer
	for _, s := range sections {
		if sent[s.ID] != string(s.HTML) {
			sent[s.ID] = string(s.HTML)
			writeEvent(&b, s)
		}
	}
	if b.Len() == 0 {
		b.WriteString(": nothing has changed\n\n")
	}
	if err := out.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := resp.Write(b.Bytes()); err != nil {
		return err
	}
	return out.Flush()
}

// writeEvent writes one event: each line of its data by itself.
func writeEvent(b *bytes.Buffer, s section) {
	b.WriteString("event: " + s.ID + "\n")
	for line := range bytes.Lines([]byte(s.HTML)) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			b.WriteString("data: ")
			b.Write(line)
			b.WriteByte('\n')
		}
	}
	b.WriteByte('\n')
}

package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"

	"github.com/risposta/gateway/internal/live"
)

// section is a part of the first page: the inside of the element with this id.
type section struct {
	ID   string
	HTML template.HTML
}

// sectionIDs are the sections, in the order of the page, which has a template for each.
var sectionIDs = []string{"now", "pbxs", "services", "queues", "operators", "calls"}

// overviewPage is what overview.html shows.
type overviewPage struct {
	T        texts
	Query    string
	Sections []section
}

// overview is the first page: what is going on.
func (c *Console) overview(resp http.ResponseWriter, req *http.Request, t texts) {
	sections, err := c.sections(req.Context(), t)
	if err != nil {
		c.fail(resp, t, http.StatusInternalServerError, err.Error())
		return
	}
	c.write(resp, t, http.StatusOK, "overview.html", overviewPage{T: t, Sections: sections})
}

// sectionView is what the template of a section shows.
type sectionView struct {
	T texts
	live.View
}

func renderSections(t texts, v live.View) ([]section, error) {
	all := make([]section, 0, len(sectionIDs))
	for _, id := range sectionIDs {
		var b bytes.Buffer
		if err := templates.ExecuteTemplate(&b, "section-"+id, sectionView{t, v}); err != nil {
			return nil, fmt.Errorf("writing section %s of the page: %w", id, err)
		}
		all = append(all, section{id, template.HTML(b.String())}) //nolint:gosec // html/template made it
	}
	return all, nil
}

// liveJSON is the view as `risposta top` reads it.
func (c *Console) liveJSON(resp http.ResponseWriter, req *http.Request) {
	safe(resp.Header())
	v, err := c.current(req.Context())
	if err != nil {
		http.Error(resp, err.Error(), http.StatusInternalServerError)
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(resp, err.Error(), http.StatusInternalServerError)
		return
	}
	resp.Header().Set("Content-Type", "application/json")
	_, _ = resp.Write(text) // the reader may have gone
}

// write sends a page that is complete.
func (c *Console) write(resp http.ResponseWriter, t texts, code int, name string, page any) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, page); err != nil {
		http.Error(resp, "writing the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	safe(resp.Header())
	resp.Header().Set("Content-Type", "text/html; charset=utf-8")
	resp.Header().Set("Content-Language", t.Lang)
	resp.WriteHeader(code)
	_, _ = resp.Write(b.Bytes()) // the reader may have gone
}

// messagePage is a page with one message.
type messagePage struct {
	T       texts
	Query   string
	Message string
}

func (c *Console) fail(resp http.ResponseWriter, t texts, code int, message string) {
	c.write(resp, t, code, "message.html", messagePage{T: t, Message: message})
}

package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
)

// loginPage is what login.html shows. Its style is within: who is not let in gets no other file.
type loginPage struct {
	T     texts
	Style template.CSS
}

// AskForLogin responds 401, with a page for a browser, which shows it when its own question for user
// and password is declined.
func AskForLogin(resp http.ResponseWriter, req *http.Request) {
	resp.Header().Set("WWW-Authenticate", `Basic realm="risposta", charset="UTF-8"`)
	if !strings.Contains(req.Header.Get("Accept"), "text/html") {
		http.Error(resp, "unknown user or password", http.StatusUnauthorized)
		return
	}
	style, err := staticFiles.ReadFile("style.css")
	if err != nil {
		http.Error(resp, err.Error(), http.StatusInternalServerError)
		return
	}
	t, ok := languages[strings.SplitN(req.URL.Path+"/", "/", 3)[1]]
	if !ok {
		t = languages[preferred(req)]
	}
	var b bytes.Buffer
	err = templates.ExecuteTemplate(&b, "login.html", loginPage{t, template.CSS(style)}) //nolint:gosec // ours
	if err != nil {
		http.Error(resp, "writing the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	safe(resp.Header())
	sum := sha256.Sum256(style)
	resp.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+
		base64.StdEncoding.EncodeToString(sum[:])+"'; img-src data:; base-uri 'none'; frame-ancestors 'none'")
	resp.Header().Set("Content-Type", "text/html; charset=utf-8")
	resp.WriteHeader(http.StatusUnauthorized)
	_, _ = resp.Write(b.Bytes()) // the reader may have gone
}

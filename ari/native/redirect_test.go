package native_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/risposta/gateway/ari/native"
)

// A PBX that sends its clients elsewhere is not followed there.
func TestNoRedirectIsFollowed(t *testing.T) {
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	t.Cleanup(elsewhere.Close)
	pbx := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(pbx.Close)
	control := native.NewControl(native.Config{URL: pbx.URL + "/ari"})
	t.Cleanup(control.Close)
	for name, err := range map[string]error{
		"continue": control.Continue(t.Context(), "a"), "hang up": control.HangUp(t.Context(), "a"),
		"heartbeat": control.Heartbeat(t.Context(), 1),
	} {
		if err == nil {
			t.Errorf("%s succeeded", name)
		}
	}
	if _, err := control.Lists(t.Context()); err == nil {
		t.Error("a list came from elsewhere")
	}
	if asked != 0 {
		t.Errorf("the other host was asked %d times", asked)
	}
}

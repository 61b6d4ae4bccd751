package console

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// watch opens an event stream, and returns its lines.
func (s *site) watch(ctx context.Context) (*http.Response, *bufio.Scanner) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/en/events", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, bufio.NewScanner(resp.Body)
}

// The stream has each section, its data as the page has it, and ends with the gateway.
func TestSectionsAreSent(t *testing.T) {
	s := serve(t, &books{})
	resp, lines := s.watch(t.Context())
	defer s.close(resp)
	seen := map[string]bool{}
	for len(seen) < len(sectionIDs) && lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			seen[id] = true
		} else if text := lines.Text(); text != "" && !strings.HasPrefix(text, "data: ") {
			t.Errorf("a line that is no data: %q", text)
		}
	}
	for _, id := range sectionIDs {
		if !seen[id] {
			t.Errorf("section %s was not sent", id)
		}
	}
	close(s.done)
	for lines.Scan() { // until the end of the stream
	}
}

func TestThoseWhoWatchAreBounded(t *testing.T) {
	s := serve(t, &books{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range maxWatchers {
		resp, lines := s.watch(ctx)
		defer s.close(resp)
		if resp.StatusCode != http.StatusOK || !lines.Scan() {
			t.Fatalf("a stream answers %s", resp.Status)
		}
	}
	resp, _ := s.watch(ctx)
	s.close(resp)
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("stream %d answers %s, want 503", maxWatchers+1, resp.Status)
	}
	if code, _, _ := s.get("/en/"); code != http.StatusOK {
		t.Errorf("the page answers %d while many watch", code)
	}
	cancel() // they go, and there is room again
	for end := time.Now().Add(10 * time.Second); ; {
		resp, _ := s.watch(t.Context())
		code := resp.StatusCode
		s.close(resp)
		if code == http.StatusOK {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("a stream answers %d after the others have gone", code)
		}
	}
}

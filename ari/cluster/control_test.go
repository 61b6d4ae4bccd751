package cluster_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/risposta/gateway/ari/cluster"
)

func servers(t *testing.T, texts ...string) (all []*url.URL) {
	t.Helper()
	for _, text := range texts {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
	}
	return all
}

// ari-proxy's client knows one text that begins with nats://. One tls address in it has nats.go use TLS
// for all.
func TestAddressForTheLibrary(t *testing.T) {
	for _, c := range []struct {
		servers []*url.URL
		user    *url.Userinfo
		want    string
	}{
		{servers(t, "nats://127.0.0.1"), nil, "nats://127.0.0.1:4222"},
		{servers(t, "nats://127.0.0.1:1", "nats://127.0.0.1:2"), url.User("tok/en"),
			"nats://tok%2Fen@127.0.0.1:1,nats://tok%2Fen@127.0.0.1:2"},
		{servers(t, "tls://a", "tls://b:2"), url.UserPassword("meter", "p@ss,word"),
			"nats://meter:p%40ss%2Cword@a:4222,nats://meter:p%40ss%2Cword@b:2," +
				"tls://meter:p%40ss%2Cword@b:2"},
	} {
		got := cluster.ConnectURI(c.servers, c.user)
		if got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
		for part := range strings.SplitSeq(got, ",") { // as nats.go splits it
			if u, err := url.Parse(part); err != nil || c.user != nil && u.User.String() != c.user.String() {
				t.Errorf("%s: %v", part, err)
			}
		}
		text := cluster.WithoutSecret(errors.New("dialling "+got), c.user)
		if c.user != nil && strings.Contains(text, "p%40ss") {
			t.Errorf("a password is in the error: %s", text)
		}
	}
}

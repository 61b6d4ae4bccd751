//go:build live

package integration

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/risposta/gateway/integration/lab"
)

// startSecured starts NATS as deploy/cluster has it.
func startSecured(t *testing.T) *lab.Secured {
	t.Helper()
	binary, err := natsBinary()
	if err != nil {
		t.Fatal(err)
	}
	s, err := lab.StartSecured(t.Context(), binary, "../deploy/cluster", t.TempDir())
	t.Cleanup(s.Stop)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// permission is what a user of nats.conf may do, or not.
type permission struct {
	user    string
	publish bool // else it subscribes
	subject string
	may     bool
}

// The node of the other PBX of nats.conf.
const otherNode = "02:00:00:00:00:02"

var permissions = []permission{
	// A tap sends the frames of its own node, and reads what is said to it alone.
	{"tap1", true, "risposta.frames." + pbxNode, true},
	{"tap1", true, "risposta.frames." + otherNode, false},
	{"tap2", true, "risposta.frames." + otherNode, true},
	{"tap2", true, "risposta.frames." + pbxNode, false},
	{"tap1", false, "risposta.passed." + pbxNode, true},
	{"tap1", false, "risposta.passed." + otherNode, false},
	{"tap1", false, "risposta.frames." + pbxNode, false},
	{"tap1", false, "risposta.frames.*", false},
	{"tap1", false, "_INBOX.tap1.a", true},
	{"tap1", false, "_INBOX.>", false},
	{"tap1", false, "_INBOX.meter.>", false},
	{"tap1", true, "risposta.passed." + pbxNode, false},
	{"tap1", true, "risposta.passed." + otherNode, false},
	{"tap1", true, "ari.command.risposta." + pbxNode, false},
	{"tap1", false, "ari.>", false},
	{"tap1", true, "$JS.API.STREAM.DELETE.RISPOSTA_FRAMES", false},
	{"tap1", true, "$JS.API.CONSUMER.CREATE.RISPOSTA_FRAMES.a", false},
	// A proxy answers for its own node, and commands nothing.
	{"proxy1", false, "ari.command.risposta." + pbxNode, true},
	{"proxy1", false, "ari.command.risposta." + otherNode, false},
	{"proxy1", false, "ari.>", false},
	{"proxy1", false, "risposta.frames.*", false},
	{"proxy1", false, "_INBOX.>", false},
	{"proxy1", true, "ari.announce", true},
	{"proxy1", true, "ari.command.risposta." + otherNode, false},
	{"proxy1", true, "risposta.frames." + pbxNode, false},
	{"proxy1", true, "risposta.passed." + pbxNode, false},
	{"proxy1", true, "_INBOX.meter.a", false},
	// A meter sends no frames, and changes no stream.
	{"meter", true, "risposta.frames." + pbxNode, false},
	{"meter", true, "risposta.frames." + otherNode, false},
	{"meter", true, "risposta.passed." + otherNode, true},
	{"meter", true, "ari.command.risposta." + pbxNode, true},
	{"meter", true, "ari.announce", false},
	{"meter", true, "_INBOX.tap1.a", false},
	{"meter", true, "$JS.API.STREAM.PURGE.RISPOSTA_FRAMES", false},
	{"meter", true, "$JS.API.STREAM.UPDATE.RISPOSTA_FRAMES", false},
	{"meter", true, "$JS.API.STREAM.DELETE.RISPOSTA_FRAMES", false},
	{"meter", true, "$JS.API.CONSUMER.CREATE.OTHER.a", false},
	{"meter", false, "risposta.frames.*", false}, // it reads the stream
	{"meter", false, "ari.command.risposta.*", false},
}

// Each user of deploy/cluster/nats.conf may do what it must, and nothing beside it.
func TestLiveAccountsOfACluster(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	conns := map[string]*nats.Conn{}
	for _, p := range permissions {
		conn := conns[p.user]
		if conn == nil {
			password, err := s.Password(p.user)
			if err != nil {
				t.Fatal(err)
			}
			conn, err = nats.Connect(s.URLs[0], nats.RootCAs(s.CA), nats.UserInfo(p.user, password),
				nats.Timeout(accountsTimeout))
			if err != nil {
				t.Fatalf("%s was not let in: %v\n%s", p.user, err, s.Log())
			}
			defer conn.Close()
			conns[p.user] = conn
		}
		var err error
		if p.publish {
			err = conn.Publish(p.subject, []byte("x"))
		} else {
			_, err = conn.SubscribeSync(p.subject)
		}
		if err = errors.Join(err, conn.FlushTimeout(accountsTimeout)); err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		// The server tells of a refusal before it answers the flush.
		last := conn.LastError()
		refused := errors.Is(last, nats.ErrPermissionViolation) &&
			strings.Contains(last.Error(), fmt.Sprintf("%q", p.subject))
		if refused == p.may {
			t.Errorf("%+v: %v", p, last)
		}
	}
}

// accountsTimeout bounds a connection or a request, on a machine that does much else.
const accountsTimeout = 20 * time.Second

// Nobody is let in without a password, with another's, or without TLS.
func TestLiveClusterLetsNoStrangerIn(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	password, err := s.Password("tap1")
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		want    string
		options []nats.Option
	}{
		"nobody": {"Authorization", []nats.Option{nats.RootCAs(s.CA)}},
		"a wrong password": {"Authorization",
			[]nats.Option{nats.RootCAs(s.CA), nats.UserInfo("tap1", "x")}},
		"another's password": {"Authorization",
			[]nats.Option{nats.RootCAs(s.CA), nats.UserInfo("meter", password)}},
		"an unknown server": {"certificate", []nats.Option{nats.UserInfo("tap1", password)}},
	} {
		conn, err := nats.Connect(s.URLs[0], append(c.options, nats.Timeout(accountsTimeout))...)
		if err == nil {
			conn.Close()
			t.Errorf("%s was let in", what)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
	}
	conn, err := nats.Connect(s.URLs[0], nats.RootCAs(s.CA), nats.UserInfo("tap1", password),
		nats.Timeout(accountsTimeout))
	if err != nil {
		t.Fatalf("tap1: %v", err)
	}
	defer conn.Close()
	if !conn.TLSRequired() {
		t.Error("the connection is in clear")
	}
	if strings.Contains(s.Log(), password) {
		t.Error("the servers log a password")
	}
}

package config

import (
	"crypto/tls"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/risposta/gateway/ari/cluster"
)

// NATS is the cluster's own NATS, by which taps and meters reach each other.
type NATS struct {
	// The addresses of its servers, such as tls://nats1.example:4222. A plain nats address must be on
	// loopback.
	URLs []string `yaml:"urls"`
	// The certificates that a tls address is verified with.
	CAFile string `yaml:"ca_file"`
	// The certificate that is shown to the server.
	CertFile string `yaml:"cert_file"`
	// The private key of the certificate.
	KeyFile string `yaml:"key_file"`
	// A user of the server. Taps, proxies and meters need one each, with subjects of its own.
	Username string `yaml:"username"`
	// The file that holds the user's password.
	PasswordFile string `yaml:"password_file"`
	// The user's password.
	Password Secret `yaml:"password"`
	// The file of a user's credentials. A meter takes none: ari-proxy's client has no place for it.
	CredentialsFile string `yaml:"credentials_file"`
	// The file that holds a token.
	TokenFile string `yaml:"token_file"`
	// A token.
	Token Secret `yaml:"token"`
	// The JetStream stream of the frames of all PBXs. A tap makes it.
	Stream string `yaml:"stream"`
	// On how many servers the stream is kept, from 1 to 5.
	Replicas int `yaml:"replicas"`
	// How many bytes the stream may have. When it is full the taps keep what comes in their journals.
	StreamBytes int `yaml:"stream_bytes"`
	// How long the stream keeps frames at most, from 1m to 168h. What a meter has passed goes earlier.
	StreamKeep time.Duration `yaml:"stream_keep"`
}

// Tap is what `risposta tap` does beside a PBX.
type Tap struct {
	// The folder of its journal, which it makes, readable by its owner only.
	Folder string `yaml:"folder"`
	// How many bytes the journal may have, of frames that no meter has passed yet.
	JournalBytes int `yaml:"journal_bytes"`
}

// The bounds of journal and stream.
const (
	minJournalBytes = 64 << 20
	minStreamBytes  = 16 << 20
	minStreamKeep   = time.Minute
	maxStreamKeep   = 7 * 24 * time.Hour
	maxReplicas     = 5
)

// userName is also a part of subjects.
var userName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

var streamName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (n *NATS) defaults() {
	set(&n.Stream, "RISPOSTA_FRAMES")
	set(&n.Replicas, 1)
	set(&n.StreamBytes, 4<<30)
	set(&n.StreamKeep, 24*time.Hour)
}

// given reports whether the configuration has the key at all.
func (n *NATS) given() bool { return len(n.URLs) > 0 }

// checkForTap checks what a tap reads of a configuration.
func (l *loader) checkForTap(c *Config) {
	l.checkGlobs("operators", c.Operators)
	if c.Tap.Folder == "" {
		l.problem("tap.folder", "missing: where the journal is kept")
	}
	l.checkBesidePBX(c)
}

// checkForProxy checks what `risposta proxy` reads of a configuration.
func (l *loader) checkForProxy(c *Config) {
	l.checkBesidePBX(c)
	if c.Admin.CertFile != "" || c.Admin.askPassword() {
		l.problem("admin.listen", "`risposta proxy` serves health and metrics on loopback only, without "+
			"a password")
	}
}

// checkBesidePBX checks what a command needs that runs beside a PBX, for meters elsewhere.
func (l *loader) checkBesidePBX(c *Config) {
	l.checkPBX(c)
	if len(c.PBX) > 1 {
		l.problem("pbx", "has %d PBXs: give the one that this runs beside", len(c.PBX))
	}
	if !c.NATS.given() {
		l.problem("nats.urls", "missing: where meters are reached, such as tls://nats.example:4222")
	}
	l.checkCluster(c)
	l.checkAdmin(c.Admin)
	l.checkLog(c.Log)
}

// checkCluster checks what taps and meters share.
func (l *loader) checkCluster(c *Config) {
	if c.Tap.Folder != "" && c.Tap.JournalBytes < minJournalBytes {
		l.problem("tap.journal_bytes", "%d is less than %d", c.Tap.JournalBytes, minJournalBytes)
	}
	n := c.NATS
	if !n.given() {
		return
	}
	secure := false
	for i, text := range n.URLs {
		key := fmt.Sprintf("nats.urls[%d]", i)
		if !l.checkNATSAddress(key, text, "callers' numbers") {
			return
		}
		secure = secure || strings.HasPrefix(text, "tls:")
	}
	if n.CAFile != "" && !secure {
		l.problem("nats.ca_file", "is for a tls address only")
	}
	if (n.CertFile == "") != (n.KeyFile == "") {
		l.problem("nats.cert_file", "give both cert_file and key_file, or neither")
	}
	l.checkNATSUser(&n)
	if !streamName.MatchString(n.Stream) {
		l.problem("nats.stream", "%q is not a name of letters, digits, dashes and underscores", n.Stream)
	}
	if n.Replicas < 1 || n.Replicas > maxReplicas {
		l.problem("nats.replicas", "%d is not from 1 to %d", n.Replicas, maxReplicas)
	}
	if n.StreamBytes < minStreamBytes {
		l.problem("nats.stream_bytes", "%d is less than %d", n.StreamBytes, minStreamBytes)
	}
	if k := n.StreamKeep; k < minStreamKeep || k > maxStreamKeep {
		l.problem("nats.stream_keep", "%s is not from %s to %s", k, minStreamKeep, maxStreamKeep)
	}
}

// checkNATSUser checks how the server knows who connects.
func (l *loader) checkNATSUser(n *NATS) {
	if n.Username == "" && (n.PasswordFile != "" || !n.Password.Empty()) {
		l.problem("nats.username", "missing: whose password it is")
	}
	if n.Username != "" && !userName.MatchString(n.Username) {
		l.problem("nats.username", "%q is not a name of letters, digits, dashes and underscores",
			n.Username)
	}
	ways := 0
	for _, given := range []bool{
		n.Username != "", n.CredentialsFile != "", n.TokenFile != "" || !n.Token.Empty(),
	} {
		if given {
			ways++
		}
	}
	if ways > 1 {
		l.problem("nats", "has several of username, credentials_file and token: give one of them")
	}
}

// checkCommandsOfMeter checks what ari-proxy's client, which sends a meter's commands, has no place
// for: the server would refuse it, and callers would get no announcement.
func (l *loader) checkCommandsOfMeter(n *NATS) {
	const use = "is not for a meter, whose commands go by ari-proxy's client, which knows an address " +
		"only: use username and password_file"
	if n.CredentialsFile != "" {
		l.problem("nats.credentials_file", use)
	}
	if n.CertFile != "" {
		l.problem("nats.cert_file", use)
	}
}

// natsSecret reads password and token.
func (l *loader) natsSecret(c *Config) {
	if n := &c.NATS; n.Username != "" || n.PasswordFile != "" {
		l.secret("nats.password", &n.Password, n.PasswordFile)
	}
	if c.NATS.TokenFile != "" {
		l.secret("nats.token", &c.NATS.Token, c.NATS.TokenFile)
	}
}

// besidePBXSecrets reads the secrets of a command that runs beside a PBX.
func (l *loader) besidePBXSecrets(c *Config) {
	for i := range c.PBX {
		l.pbxSecrets(i, &c.PBX[i])
	}
	l.natsSecret(c)
	if c.Admin.askPassword() {
		l.secret("admin.password", &c.Admin.Password, c.Admin.PasswordFile)
	}
}

// Server is what a connection needs. It reads the certificates.
func (n *NATS) Server() (s cluster.Server, err error) {
	s = cluster.Server{
		URLs: n.URLs, Credentials: n.CredentialsFile, Token: n.Token.Reveal(),
		Username: n.Username, Password: n.Password.Reveal(),
	}
	if n.CAFile != "" {
		if s.CA, err = CertPool(n.CAFile); err != nil {
			return s, fmt.Errorf("nats.%w", err)
		}
	}
	if n.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(n.CertFile, n.KeyFile)
		if err != nil {
			return s, fmt.Errorf("nats.cert_file, nats.key_file: %w", err)
		}
		s.Certificate = &cert
	}
	return s, nil
}

// Address is that of all servers, for a library that takes one.
func (n *NATS) Address() string { return strings.Join(n.URLs, ",") }

// FramesStream is the stream of the frames.
func (n *NATS) FramesStream() cluster.Stream {
	return cluster.Stream{
		Name: n.Stream, Replicas: n.Replicas, MaxBytes: int64(n.StreamBytes), MaxAge: n.StreamKeep,
	}
}

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ClusterConfig is what a cluster is made of.
type ClusterConfig struct {
	Binary     string   // of risposta
	NATSServer string   // of nats-server
	Dir        string   // of all that it keeps
	PBXs       []string // the ARI of each, which has a tap
	Password   string   // of the PBXs
	Meters     int
	Servers    int    // of NATS, each of which keeps the frames
	Postgres   string // the folder of the database, on a disk of its own; "": a new one
}

// Cluster is PBXs, a tap for each, NATS, meters and PostgreSQL: processes on loopback, with a [Link]
// between each two that talk.
type Cluster struct {
	Dir      string
	NATS     []*NATS
	Postgres *Postgres
	Taps     []*Part
	Meters   []*Part
}

const tapConfig = `
pbx:
  - {name: fake, url: "{{ari}}", username: risposta}
operators: ["PJSIP/agent*"]
nats: {urls: [{{nats}}], replicas: {{servers}}, stream_bytes: 268435456}
tap: {folder: "{{dir}}/journal", journal_bytes: 67108864}
admin: {listen: "{{admin}}"}
`

const meterConfig = `
source: cluster
meter: {name: "{{name}}"}
nats: {urls: [{{nats}}], replicas: {{servers}}}
operators: ["PJSIP/agent*"]
services:
  - {number: "1001", context: from-trunk, name: help, tariff: standard, did: "+390612345678"}
law: {policy: it}
tariffs: [{name: standard, per_minute: "0.96", increment: 1s, currency: EUR}]
callers: {country_code: "39"}
exemption: {csv: "{{dir}}/exempt.csv"}
ledger: {key_file: "{{dir}}/key"}
admin: {listen: "{{admin}}"}
`

// nobodyExempt ends with the count of its rows: it is read at once.
const nobodyExempt = "number,from,until,ref\ntotal,0,,\n"

// NewCluster starts NATS and PostgreSQL, and writes the configurations of taps and meters, which share
// a key. Close ends what it has started, also where it fails.
func NewCluster(ctx context.Context, conf ClusterConfig) (c *Cluster, err error) {
	c = &Cluster{Dir: conf.Dir}
	if c.NATS, err = NewNATSCluster(conf.NATSServer, conf.Dir, conf.Servers); err != nil {
		return c, err
	}
	for _, n := range c.NATS {
		if err := n.Start(ctx); err != nil {
			return c, err
		}
	}
	const durable = "fsync=on" // the ledger refuses any other
	if conf.Postgres == "" {
		c.Postgres, err = StartPostgres(ctx, durable)
	} else {
		c.Postgres, err = StartPostgresIn(ctx, conf.Postgres, durable)
	}
	if err != nil {
		return c, err
	}
	for i, url := range conf.PBXs {
		if err := c.addTap(conf, i, url); err != nil {
			return c, err
		}
	}
	for i := range conf.Meters {
		if err := c.addMeter(ctx, conf, i); err != nil {
			return c, err
		}
	}
	return c, nil
}

// part makes folder and links of a part, and returns the addresses of NATS for its configuration.
func (c *Cluster) part(name string) (p *Part, urls string, err error) {
	p = &Part{Name: name, Dir: filepath.Join(c.Dir, name)}
	if err := os.Mkdir(p.Dir, 0o700); err != nil {
		return nil, "", err
	}
	var all []string
	for _, n := range c.NATS {
		link, err := NewLink(strings.TrimPrefix(n.URL(), "nats://"))
		if err != nil {
			return nil, "", err
		}
		p.NATS = append(p.NATS, link)
		all = append(all, fmt.Sprintf("%q", "nats://"+link.Address()))
	}
	return p, strings.Join(all, ", "), nil
}

func (c *Cluster) addTap(conf ClusterConfig, i int, url string) error {
	p, urls, err := c.part(fmt.Sprintf("tap%d", i+1))
	if err != nil {
		return err
	}
	c.Taps = append(c.Taps, p)
	host, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	if p.PBX, err = NewLink(host); err != nil {
		return err
	}
	p.Gateway, err = newGateway(conf.Binary, "tap", p.Dir, tapConfig,
		"{{ari}}", fmt.Sprintf("http://%s/%s", p.PBX.Address(), path), "{{nats}}", urls,
		"{{servers}}", fmt.Sprint(conf.Servers))
	if err != nil {
		return err
	}
	p.Setenv("RISPOSTA_PBX_0_PASSWORD", conf.Password)
	return nil
}

func (c *Cluster) addMeter(ctx context.Context, conf ClusterConfig, i int) error {
	name := fmt.Sprintf("meter%d", i+1)
	p, urls, err := c.part(name)
	if err != nil {
		return err
	}
	c.Meters = append(c.Meters, p)
	if p.Postgres, err = NewLink(fmt.Sprintf("127.0.0.1:%d", c.Postgres.Port())); err != nil {
		return err
	}
	p.Gateway, err = newGateway(conf.Binary, "run", p.Dir, meterConfig,
		"{{name}}", name, "{{nats}}", urls, "{{servers}}", fmt.Sprint(conf.Servers))
	if err != nil {
		return err
	}
	dsn := strings.Replace(c.Postgres.DSN(), fmt.Sprintf("port=%d", c.Postgres.Port()),
		fmt.Sprintf("port=%d", p.Postgres.Port()), 1)
	p.Setenv("RISPOSTA_LEDGER_POSTGRES_DSN", dsn)
	err = os.WriteFile(filepath.Join(p.Dir, "exempt.csv"), []byte(nobodyExempt), 0o600)
	if err != nil {
		return err
	}
	if i > 0 {
		return copyKey(c.Meters[0].Dir, p.Dir)
	}
	out, code, err := p.Command(ctx, "key", "rotate")
	if err != nil || code != 0 {
		return fmt.Errorf("making the key: exit %d: %w: %s", code, err, out)
	}
	return nil
}

func copyKey(from, to string) error {
	for _, name := range []string{"key", "key.pub"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), text, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Parts are all taps and meters.
func (c *Cluster) Parts() []*Part { return append(append([]*Part{}, c.Taps...), c.Meters...) }

// Start starts all taps and meters.
func (c *Cluster) Start() error {
	for _, p := range c.Parts() {
		if err := p.Start(); err != nil {
			return err
		}
	}
	return nil
}

// WaitMetered waits until so many nodes are metered, and every part is ready.
func (c *Cluster) WaitMetered(ctx context.Context, nodes int, timeout time.Duration) error {
	return Until(ctx, timeout, fmt.Sprintf("%d nodes to be metered", nodes), func() error {
		leased := 0.0
		for _, p := range c.Parts() {
			status, body, err := p.Ready(ctx)
			if err != nil || status != 200 {
				return fmt.Errorf("%s: /readyz answers %d: %w: %s", p.Name, status, err, body)
			}
		}
		for _, p := range c.Meters {
			n, err := p.Metric(ctx, "risposta_leased_nodes")
			if err != nil {
				return err
			}
			leased += n
		}
		if int(leased) != nodes {
			return fmt.Errorf("%v nodes have a meter", leased)
		}
		return nil
	})
}

// Close ends everything, in any state.
func (c *Cluster) Close(ctx context.Context) (err error) {
	for _, p := range c.Parts() {
		if p.Gateway != nil {
			err = errors.Join(err, p.Kill(ctx))
			p.kept.Wait()
		}
	}
	for _, p := range c.Parts() {
		for _, l := range p.Links() {
			l.Close()
		}
	}
	for _, n := range c.NATS {
		n.Stop()
	}
	if c.Postgres != nil {
		err = errors.Join(err, c.Postgres.Stop())
	}
	return err
}

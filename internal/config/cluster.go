package config

import (
	"os"
	"time"
)

// Cluster is how the gateway meters PBXs of a cluster: their frames come over NATS from `risposta tap`
// beside each, and the ledger is shared.
type Cluster struct {
	// Where NATS is. Left out: the gateway has PBXs of its own.
	NATS NATS `yaml:"nats"`
	// The name of the stream of frames.
	Stream string `yaml:"stream"`
	// The name of this meter among those that share the ledger. Left out: the machine's.
	Meter string `yaml:"meter"`
	// How often, while talk runs, a PBX is asked whether packets come from both legs, from 2s to 1m.
	ProbeEvery time.Duration `yaml:"probe_every" reload:""`
}

// Enabled reports whether the gateway meters a cluster.
func (c Cluster) Enabled() bool { return c.NATS.Enabled() }

func (c *Cluster) defaults() {
	if !c.Enabled() {
		return
	}
	set(&c.Stream, DefaultStream)
	set(&c.ProbeEvery, 10*time.Second)
	if c.Meter == "" {
		c.Meter, _ = os.Hostname() // missing is a problem that check reports
	}
}

func (l *loader) checkCluster(c *Config) {
	if !c.Cluster.Enabled() {
		if c.Cluster.Stream != "" || c.Cluster.Meter != "" || c.Cluster.ProbeEvery != 0 {
			l.problem("cluster.nats", "missing: where NATS is")
		}
		return
	}
	if c.Cluster.Meter == "" {
		l.problem("cluster.meter", "missing: the name of this meter")
	}
	if len(c.PBX) > 0 {
		l.problem("pbx", "a meter of a cluster has no PBXs of its own: `risposta tap` connects to each")
	}
	if c.Ledger.Postgres.DSN.Reveal() == "" && c.Ledger.Postgres.DSNFile == "" {
		l.problem("ledger.postgres", "missing: the meters of a cluster share a ledger in PostgreSQL")
	}
	if c.Exemption.Registry != "" {
		l.problem("exemption.registry", "each meter of a cluster would have another register: use sql or http")
	}
	l.checkProbeEvery("cluster.probe_every", c.Cluster.ProbeEvery)
}

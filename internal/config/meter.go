package config

import (
	"os"
	"time"
)

// The sources of events.
const (
	SourcePBX     = "pbx"     // the PBXs of the configuration
	SourceCluster = "cluster" // NATS, to which the taps of all PBXs send
)

// Meter is a gateway that meters its share of a cluster's PBXs.
type Meter struct {
	// The meter among those that share the ledger. Left out: the name of the machine.
	Name string `yaml:"name"`
	// How often, while talk runs, a PBX is asked whether packets come from both legs, from 2s to 1m.
	ProbeEvery time.Duration `yaml:"probe_every" reload:""`
}

func (c *Config) meterDefaults() {
	set(&c.Source, SourcePBX)
	if c.Source != SourceCluster {
		return
	}
	set(&c.Meter.ProbeEvery, defaultProbeEvery)
	if c.Meter.Name == "" {
		c.Meter.Name, _ = os.Hostname() // checkMeter reports one that is missing
	}
}

// checkMeter checks where events come from.
func (l *loader) checkMeter(c *Config) {
	switch c.Source {
	case SourcePBX:
		l.checkPBX(c)
		if c.Meter != (Meter{}) {
			l.problem("meter", "is for `source: cluster` only")
		}
		return
	case SourceCluster:
	default:
		l.problem("source", "%q is neither pbx nor cluster", c.Source)
		return
	}
	if len(c.PBX) > 0 {
		l.problem("pbx", "is of a tap: with `source: cluster` the taps beside the PBXs connect to them")
	}
	if !c.NATS.given() {
		l.problem("nats.urls", "missing: where the frames come from, such as tls://nats.example:4222")
	}
	l.checkCommandsOfMeter(&c.NATS)
	if !c.Ledger.Postgres.given() {
		l.problem("ledger.postgres", "missing: the meters of a cluster share a ledger in PostgreSQL")
	}
	if c.Exemption.Registry != "" {
		l.problem("exemption.registry", "is a file of one meter, and the others would not know it: "+
			"use sql or http")
	}
	if c.Meter.Name == "" {
		l.problem("meter.name", "missing: the name of this meter, which no other has")
	}
	l.checkProbeEvery("meter.probe_every", c.Meter.ProbeEvery)
}

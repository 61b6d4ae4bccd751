package config

import (
	"fmt"
	"path"
	"regexp"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/numbering"
)

// Callers says how callers' numbers are treated.
type Callers struct {
	// The file that holds the keys of the pseudonyms, one a line: the current key first, former keys
	// after it.
	KeyFile string `yaml:"key_file"`
	// The keys of the pseudonyms, each of 64 hexadecimal digits. `openssl rand -hex 32` makes one.
	Key Secret `yaml:"key"`
	// The code of the country in which calls come in, such as 39. A service with a price needs it.
	// Left out: only numbers that begin with + or 00 can be read.
	CountryCode string `yaml:"country_code"`
	// What the PBX puts in front of callers' numbers, for its phones to call back.
	OutsidePrefixes []OutsidePrefix `yaml:"outside_prefixes" reload:""`
	// Who vouches for the numbers of callers, by the trunk that their calls come in on. Of any other
	// trunk nobody does.
	Attestation []Attestation `yaml:"attestation"`
}

// Attestation is who vouches for the numbers of calls from some endpoints.
type Attestation struct {
	// The endpoints that the calls come from, such as `PJSIP/trunk*`. Required.
	Endpoints []string `yaml:"endpoints"`
	// `trunk`: the carrier lets no false number through. `stir_shaken`: signatures that Asterisk
	// verifies; level A vouches. Required.
	By string `yaml:"by"`
}

// The values of Attestation.By.
const (
	ByTrunk      = "trunk"
	BySTIRSHAKEN = "stir_shaken"
)

// OutsidePrefix is what the PBX puts in front of the numbers of calls from some endpoints.
type OutsidePrefix struct {
	// The endpoints that the calls come from, such as `PJSIP/trunk*`. Required.
	Endpoints []string `yaml:"endpoints"`
	// The prefix, such as 0. Required.
	Prefix string `yaml:"prefix"`
}

var outsidePrefix = regexp.MustCompile(`^[0-9]{1,4}$`)

func (l *loader) checkCallers(c *Config) {
	code := c.Callers.CountryCode
	if code != "" && !numbering.IsCountryCode(code) {
		l.problem("callers.country_code", "%q is not a country code such as 39", code)
	}
	if s := c.priced(); code == "" && s != "" {
		l.problem("callers.country_code", "missing: service %q has a price, and without the country "+
			"an exempt caller whose number comes in national form is not found", s)
	}
	for i, p := range c.Callers.OutsidePrefixes {
		key := fmt.Sprintf("callers.outside_prefixes[%d]", i)
		if len(p.Endpoints) == 0 {
			l.problem(key+".endpoints", "missing: where the calls come from, such as PJSIP/trunk*")
		}
		l.checkGlobs(key+".endpoints", p.Endpoints)
		if !outsidePrefix.MatchString(p.Prefix) {
			l.problem(key+".prefix", "%q is not a prefix such as 0: digits, 4 at most", p.Prefix)
		}
	}
	for i, a := range c.Callers.Attestation {
		key := fmt.Sprintf("callers.attestation[%d]", i)
		if len(a.Endpoints) == 0 {
			l.problem(key+".endpoints", "missing: where the calls come from, such as PJSIP/trunk*")
		}
		l.checkGlobs(key+".endpoints", a.Endpoints)
		if a.By != ByTrunk && a.By != BySTIRSHAKEN {
			l.problem(key+".by", "%q is not %s or %s", a.By, ByTrunk, BySTIRSHAKEN)
		}
	}
}

// Trust is whose numbers are trusted. It may be used by many goroutines at once.
type Trust struct {
	// TrustedOnly: a number that nobody vouches for exempts nobody.
	TrustedOnly bool
	by          []Attestation
}

// By is who vouches for the numbers of calls of a trunk: [ByTrunk], [BySTIRSHAKEN], or "" for nobody.
func (t Trust) By(trunk string) string {
	for _, a := range t.by {
		for _, pattern := range a.Endpoints {
			for _, name := range []string{trunk, trunk + "/"} { // ISDN: DAHDI/i1/*, where the number follows
				if ok, err := path.Match(pattern, name); ok && err == nil { // Load has refused bad ones
					return a.By
				}
			}
		}
	}
	return ""
}

// Trust is whose numbers are trusted.
func (c *Config) Trust() Trust {
	return Trust{TrustedOnly: c.Exemption.ByNumber == NumberTrusted, by: c.Callers.Attestation}
}

// priced is the name of the first service that may cost something; "" for none.
func (c *Config) priced() string {
	for _, s := range c.Services {
		for _, t := range c.Tariffs {
			if s.Tariff != "" && t.Name == s.Tariff && !t.free() {
				return s.Name
			}
		}
	}
	return ""
}

// free reports whether a tariff has no price other than 0.
func (t Tariff) free() bool {
	p := t.Price()
	return p.Validate() == nil && p.HighestPrice().Sign() == 0
}

// NumberReader reads numbers of callers and of lists.
func (c *Config) NumberReader() *numbering.Reader {
	return numbering.NewReader(c.Callers.CountryCode)
}

// callerReader reads callers' numbers by the country and the outside prefix of their endpoint.
func (c *Config) callerReader() (
	func(endpoint string, given metering.Number) (metering.Number, bool), error,
) {
	reader := c.NumberReader()
	globs := make([]mediation.Globs, len(c.Callers.OutsidePrefixes))
	for i, p := range c.Callers.OutsidePrefixes {
		var err error
		if globs[i], err = mediation.NewGlobs(p.Endpoints...); err != nil {
			return nil, fmt.Errorf("callers.outside_prefixes: %w", err)
		}
	}
	return func(endpoint string, given metering.Number) (metering.Number, bool) {
		prefix := ""
		for i, g := range globs {
			if g.Match(endpoint) {
				prefix = c.Callers.OutsidePrefixes[i].Prefix
				break
			}
		}
		return reader.Caller(given.Clear(), prefix)
	}, nil
}

package config_test

import (
	"strings"
	"testing"
)

const did = `    did: "+390612345678"` + "\n"

func TestProblemsOfServices(t *testing.T) {
	checkAll(t, map[string]problem{
		"no such tariff": {
			old: "tariff: standard", replace: "tariff: other",
			want: `gw.yaml:10: services[0].tariff: "other" is not the name of a tariff`,
		},
		"number twice": {
			old: "services:\n", replace: "services:\n  - {number: \"1001\", context: from-trunk}\n",
			want: "gw.yaml:8: services[1]: 1001@from-trunk is listed twice",
		},
		"one name, two prices": {
			old:     "services:\n",
			replace: "services:\n  - {number: \"1002\", context: from-trunk, name: help}\n",
			want:    `gw.yaml:11: services[1].tariff: service "help" has another tariff above`,
		},
		"country code": {
			text: good, env: append(secrets[:2:2], "RISPOSTA_CALLERS_COUNTRY_CODE=+39"),
			want: `gw.yaml: callers.country_code: "+39" is not a country code such as 39`,
		},
		"code of no country": {
			text: good, env: append(secrets[:2:2], "RISPOSTA_CALLERS_COUNTRY_CODE=999"),
			want: `gw.yaml: callers.country_code: "999" is not a country code such as 39`,
		},
		"price without a country": {
			text: good, env: secrets[:2],
			want: `gw.yaml: callers.country_code: missing: service "help" has a price`,
		},
		"outside prefix of no endpoint": {
			add:  "callers: {outside_prefixes: [{prefix: \"0\"}]}\n",
			want: "gw.yaml:21: callers.outside_prefixes[0].endpoints: missing",
		},
		"outside prefix that is none": {
			add:  "callers: {outside_prefixes: [{endpoints: [PJSIP/t], prefix: \"0+\"}]}\n",
			want: `gw.yaml:21: callers.outside_prefixes[0].prefix: "0+" is not a prefix such as 0`,
		},
		"attestation of no endpoint": {
			add:  "callers: {attestation: [{by: trunk}]}\n",
			want: "gw.yaml:21: callers.attestation[0].endpoints: missing",
		},
		"attestation by nobody": {
			add:  "callers: {attestation: [{endpoints: [PJSIP/t], by: carrier}]}\n",
			want: `gw.yaml:21: callers.attestation[0].by: "carrier" is not trunk or stir_shaken`,
		},
		"numbers of some": {
			add:  "exemption: {by_number: some}\n",
			want: `gw.yaml:21: exemption.by_number: "some" is not any or trusted`,
		},
		"extensions of any length": {
			add: "extensions: [\"8*\"]\n", want: `gw.yaml:21: extensions[0]: "8*" is not an extension`,
		},
		"language": {
			add: "front_desk: {language: Italian}\n", want: "gw.yaml:21: front_desk.language",
		},
		"without consent": {
			add:  "front_desk: {without_consent: charge}\n",
			want: `gw.yaml:21: front_desk.without_consent: "charge" is neither hangup nor free`,
		},
	})
}

func TestProblemsOfTariffs(t *testing.T) {
	const currency = "    currency: EUR\n"
	checkAll(t, map[string]problem{
		"increment": {
			old: "increment: 1s", replace: "increment: 1500ms",
			want: "gw.yaml:16: tariffs[0].increment: 1.5s is not a whole number",
		},
		"price": {
			old: `"0.96"`, replace: `"0,96"`,
			want: `gw.yaml:15: tariffs[0].per_minute: "0,96" is not an amount`,
		},
		"currency": {old: "EUR", replace: "LIRE", want: "gw.yaml:17: tariffs[0].currency"},
		"free seconds": {
			old: currency, replace: currency + "    free_seconds: -1\n",
			want: "gw.yaml:18: tariffs[0].free_seconds: -1 is not from 0",
		},
		"cap": {
			old: currency, replace: currency + "    cap_per_call: five\n",
			want: `gw.yaml:18: tariffs[0].cap_per_call: "five" is not an amount`,
		},
		"band without zone": {
			old: currency, replace: currency +
				"    bands: [{name: day, from: \"08:00\", until: \"18:00\", per_minute: \"2\"}]\n",
			want: "gw.yaml:14: tariffs[0].zone: missing: bands need a time zone",
		},
		"bands overlap": {
			old: currency, replace: currency + "    zone: Europe/Rome\n    bands:\n" +
				"      - {name: day, from: \"08:00\", until: \"18:00\", per_minute: \"2\"}\n" +
				"      - {name: noon, from: \"12:00\", until: \"13:00\", per_minute: \"3\"}\n",
			want: `gw.yaml:21: tariffs[0].bands[1].from: overlaps with band "day"`,
		},
		"tariffs overlap": {
			old: "tariffs:\n", replace: "tariffs:\n  - {name: standard, per_minute: \"1\", " +
				"increment: 1s, currency: EUR, valid_until: 2026-07-01, zone: Europe/Rome}\n",
			want: `gw.yaml:14: tariffs[0]: "standard" overlaps with another price of this name`,
		},
		"tariffs leave a gap": {
			old: currency, replace: currency + "    valid_until: 2026-06-30\n    zone: Europe/Rome\n" +
				"  - {name: standard, per_minute: \"1\", increment: 1s, currency: EUR, " +
				"valid_from: 2026-07-01, zone: Europe/Rome}\n",
			want: `gw.yaml:14: tariffs[0]: "standard" leaves a gap: a price of this name ends at ` +
				"2026-06-30T00:00:00+02:00, the next begins at 2026-07-01T00:00:00+02:00",
		},
		"day without zone": {
			old: currency, replace: currency + "    valid_until: 2026-06-30\n",
			want: "gw.yaml:14: tariffs[0].zone: missing",
		},
		"no such zone": {
			old: currency, replace: currency + "    zone: Europe/Roma\n",
			want: `gw.yaml:18: tariffs[0].zone: "Europe/Roma" is not a time zone`,
		},
		"not a day": {
			old: currency, replace: currency + "    valid_from: 1.7.2026\n    zone: Europe/Rome\n",
			want: `gw.yaml:18: tariffs[0].valid_from: "1.7.2026" is not a day`,
		},
	})
}

func TestProblemsOfTheLaw(t *testing.T) {
	checkAll(t, map[string]problem{
		"no policy": {
			old: "law: {policy: it}\n",
			want: "services[0].tariff: policy strictest allows this service no price: " +
				"rule service_free, Ley 10/2025 art. 4.1, 10.4; companies have until 28 December 2026 to " +
				"adapt; law.policy is strictest, the rules of every country at once",
		},
		"an Italian telecom": {
			old: "policy: it", replace: "policy: it, sector: telecom",
			want: "gw.yaml:10: services[0].tariff: policy it allows this service no price: " +
				"rule telecom_free, AGCOM 255/24/CONS",
		},
		"Spain": {
			old: "policy: it", replace: "policy: es",
			want: "gw.yaml:10: services[0].tariff: policy es allows this service no price: " +
				"rule service_free, Ley 10/2025",
		},
		"no such policy": {
			old: "policy: it", replace: "policy: ch",
			want: `gw.yaml:20: law: "ch" is not one of de, es, fr, it, strictest, uk`,
		},
		"no such rule": {
			old: "policy: it", replace: "policy: it, also: [service_paid]",
			want: `gw.yaml:20: law: rule "service_paid" cannot be added`,
		},
		"after-sales line on a number whose call costs something": {
			old: did, replace: did + "    after_sales: true\n",
			want: "gw.yaml:10: services[0].tariff: policy it allows an after-sales line no price on top " +
				"of the call, unless its did is a freephone number: rule basic_rate, Codice del consumo",
		},
		"after-sales line over the basic rate": {
			old: did, replace: strings.Replace(did, "+390612345678", "+39800123456", 1) +
				"    after_sales: true\n",
			want: "gw.yaml:10: services[0].tariff: policy it lets an after-sales line cost no more than " +
				"law.basic_rate, 0.00: rule basic_rate, Codice del consumo",
		},
		"an Italian bank": {
			old: "policy: it", replace: "policy: it, sector: finance",
			want: "gw.yaml:10: services[0].tariff: policy it allows this service no price: " +
				"rule finance_free, L. 124/2017",
		},
		"no did": {
			old: did, want: "services[0].did: missing: the number that callers dial from outside",
		},
		"a premium did": {
			old: "+390612345678", replace: "899123456",
			env: append([]string{"RISPOSTA_CALLERS_COUNTRY_CODE=39"}, secrets...),
			want: "gw.yaml:12: services[0].did: is of kind premium, " +
				"which may carry no charge under policy it",
		},
		"an extension as did": {
			old: "+390612345678", replace: "1001",
			want: "gw.yaml:12: services[0].did: is of kind unknown",
		},
	})
}

package native

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/risposta/gateway/ari"
)

const (
	// maxInspected bounds the endpoints whose options are read: at 1 ms each, some seconds.
	maxInspected = 5000
	// maxNamed bounds the names in one finding.
	maxNamed = 20
	// pjsipFile is where an endpoint's options belong. FreePBX writes pjsip.conf itself.
	pjsipFile = "pjsip.conf (FreePBX: pjsip.endpoint_custom_post.conf)"
)

// weakness is an option of an endpoint that makes metering wrong with one of its values.
type weakness struct{ option, value, means string }

var weaknesses = []weakness{
	{"rtp_timeout", "0", "a phone that dies stays in its call for ever; set 30"},
	{"rtp_timeout_hold", "0", "a phone that dies on hold stays in its call for ever; set 900"},
	{"timers", "no", "no session timer ends the call of a dead phone; set always, and " +
		"timers_sess_expires = 300"},
	{"suppress_moh_on_sendonly", "true", "no event reports its holds; the gateway asks each second, " +
		"and a shorter hold is charged as talk; set no"},
	{"moh_passthrough", "true", "the CEL does not show its holds, and `risposta reconcile` " +
		"would take them for talk; set no"},
}

// endpoints looks at the options of the endpoints that operators and callers use.
func (i *inspector) endpoints(ctx context.Context) error {
	names, err := i.rest.endpointNames(ctx)
	if err != nil {
		return fmt.Errorf("asking the PBX for its endpoints: %w", err)
	}
	i.report.Endpoints = names
	var used, opaque []string
	for _, name := range names {
		operator, caller := i.plan.Operator(name), i.plan.Caller(name)
		switch {
		case operator && caller:
			i.bad("%s matches operators and a service's callers: everybody who answers behind it, a "+
				"machine as well, is charged as an operator; take it out of one of them", name)
		case !operator && !caller, strings.HasPrefix(name, "Local/"):
			continue
		}
		if !strings.HasPrefix(name, "PJSIP/") {
			opaque = append(opaque, name)
			continue
		}
		used = append(used, name)
	}
	if len(opaque) > 0 {
		i.note("not checked: the options of %s, which are not PJSIP's", listed(opaque))
	}
	if len(used) > maxInspected {
		i.note("not checked: the options of %d of %d endpoints", len(used)-maxInspected, len(used))
		used = used[:maxInspected]
	}
	return i.options(ctx, used)
}

func (i *inspector) options(ctx context.Context, endpoints []string) error {
	weak := map[weakness][]string{}
	var unread, unsigned, unasserted []string
	for _, name := range endpoints {
		options, err := i.rest.attributes(ctx, "endpoint", name)
		if err != nil && !errors.Is(err, ari.ErrNotFound) {
			return fmt.Errorf("asking the PBX for the options of %s: %w", name, err)
		}
		for _, w := range weaknesses {
			switch value, ok := options[w.option]; {
			case !ok:
				if !slices.Contains(unread, name) {
					unread = append(unread, name)
				}
			case value == w.value:
				weak[w] = append(weak[w], name)
			}
		}
		switch {
		case i.plan.Signed(name) && options["stir_shaken_profile"] == "":
			unsigned = append(unsigned, name)
		case i.plan.Carrier(name) && options["trust_id_inbound"] != "true":
			unasserted = append(unasserted, name)
		}
		if !i.plan.Operator(name) {
			continue
		}
		if err := i.trunk(ctx, name); err != nil {
			return err
		}
	}
	for _, w := range weaknesses {
		if names := weak[w]; len(names) > 0 {
			i.bad("%s: %s = %s in %s: %s",
				listed(names), w.option, written(w.value), pjsipFile, w.means)
		}
	}
	if len(unsigned) > 0 {
		i.bad("%s: no stir_shaken_profile in %s: Asterisk verifies no signature, and nobody vouches for "+
			"a number", listed(unsigned), pjsipFile)
	}
	if len(unasserted) > 0 {
		i.note("%s: trust_id_inbound = no in %s: the caller's number is that of the From header; it is "+
			"vouched for only where the carrier verifies From", listed(unasserted), pjsipFile)
	}
	if len(unread) > 0 {
		i.bad("%s: the PBX does not show the options that matter (%s): whether a dead phone's call "+
			"ends is not known", listed(unread), "rtp_timeout, timers, moh_passthrough and others")
	} else if len(weak) == 0 && len(endpoints) > 0 {
		i.good("the %d endpoints of operators and callers have timeouts, and report their holds",
			len(endpoints))
	}
	return nil
}

// trunk looks for what tells a trunk from a phone, under the endpoint's own name: ARI reads an
// object of pjsip.conf by its name only.
func (i *inspector) trunk(ctx context.Context, endpoint string) error {
	for _, s := range []struct {
		object string
		show   func(string, ...any)
	}{
		{"registration", i.bad},
		{"identify", i.note},
	} {
		_, err := i.rest.attributes(ctx, s.object, endpoint)
		switch {
		case err == nil:
			s.show("%s matches operators and has a type = %s in pjsip.conf, as a trunk does: behind "+
				"a trunk everybody who answers, a machine as well, is charged as an operator",
				endpoint, s.object)
		case !errors.Is(err, ari.ErrNotFound):
			return fmt.Errorf("asking the PBX for the %s of %s: %w", s.object, endpoint, err)
		}
	}
	return nil
}

// endpointNames are all endpoints that the PBX lists, sorted, such as PJSIP/agent1.
func (r *rest) endpointNames(ctx context.Context) ([]string, error) {
	body, err := r.do(ctx, http.MethodGet, "endpoints", nil)
	if err != nil {
		return nil, err
	}
	var all []struct {
		Technology string `json:"technology"`
		Resource   string `json:"resource"`
	}
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("decoding the PBX's endpoints: %w", err)
	}
	names := make([]string, len(all))
	for i, e := range all {
		names[i] = e.Technology + "/" + e.Resource
	}
	slices.Sort(names)
	return names, nil
}

// attributes are the options of one object of pjsip.conf that is named as an endpoint; ari.ErrNotFound
// where there is none.
func (r *rest) attributes(
	ctx context.Context, object, endpoint string,
) (map[string]string, error) {
	body, err := r.do(ctx, http.MethodGet, "asterisk/config/dynamic/res_pjsip/"+object+"/"+
		url.PathEscape(strings.TrimPrefix(endpoint, "PJSIP/")), nil)
	if err != nil {
		return nil, err
	}
	var list []struct {
		Attribute string `json:"attribute"`
		Value     string `json:"value"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("decoding the %s of %s: %w", object, endpoint, err)
	}
	options := map[string]string{}
	for _, a := range list {
		options[a.Attribute] = a.Value
	}
	return options, nil
}

// written is a value as pjsip.conf has it.
func written(value string) string {
	if value == "true" {
		return "yes"
	}
	return value
}

// listed is names separated by commas, the first ones where they are many.
func listed(names []string) string {
	if len(names) <= maxNamed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
}

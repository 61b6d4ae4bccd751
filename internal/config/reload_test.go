package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const reloadText = `
pbx: [{url: "http://127.0.0.1:8088/ari", username: u}]
operators: ["PJSIP/agent*"]
services: [{number: "1001", context: in, tariff: standard, did: "+390612345678"}]
tariffs: [{name: standard, per_minute: "0.96", increment: 1s, currency: EUR}]
law: {policy: it}
callers: {country_code: "39", outside_prefixes: [{endpoints: ["PJSIP/t*"], prefix: "0"}]}
ledger: {file: l.db, heads: [{to: "file:/mnt/heads"}]}
quality: {objectives: [{service: "1001", indicator: answer_time_mean, year: 2026, limit: "70"}]}
`

func parsed(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse("gw.yaml", []byte(text), nil, NoSecrets, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// leaf is a value of a configuration that holds no others.
type leaf struct {
	key   string
	value reflect.Value
	live  bool
}

func leaves(v reflect.Value, key string, live bool) (all []leaf) {
	switch {
	case v.Kind() == reflect.Struct && v.Type() != secretType:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			_, l := f.Tag.Lookup(reloads)
			all = append(all, leaves(v.Field(i), join(key, f.Tag.Get("yaml")), live || l)...)
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct && v.Len() > 0:
		for i := range v.Len() {
			all = append(all, leaves(v.Index(i), fmt.Sprintf("%s[%d]", key, i), live)...)
		}
	default:
		all = append(all, leaf{key, v, live})
	}
	return all
}

// change gives a leaf another value.
func change(v reflect.Value) {
	switch {
	case v.Type() == secretType:
		v.Set(reflect.ValueOf(NewSecret("another")))
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), v.Len()+1, v.Len()+1))
	case v.Kind() == reflect.String:
		v.SetString(v.String() + "x")
	case v.Kind() == reflect.Bool:
		v.SetBool(!v.Bool())
	default:
		v.SetInt(v.Int() + 1)
	}
}

// Every key either counts at once, or is named and keeps its value.
func TestEveryKeyReloadsOrIsNamed(t *testing.T) {
	was := parsed(t, reloadText)
	for i := range leaves(reflect.ValueOf(was).Elem(), "", false) {
		next := parsed(t, reloadText)
		changed := leaves(reflect.ValueOf(next).Elem(), "", false)[i]
		change(changed.value)
		want := changed.value.Interface()
		var differ []string
		merged := *next
		keep(reflect.ValueOf(&merged).Elem(), reflect.ValueOf(was).Elem(), "", &differ)
		got := leaves(reflect.ValueOf(&merged).Elem(), "", false)
		i := slices.IndexFunc(got, func(l leaf) bool {
			return l.key == changed.key || strings.HasPrefix(l.key, changed.key+"[") // it became longer
		})
		taken := i >= 0 && (got[i].key != changed.key || reflect.DeepEqual(got[i].value.Interface(), want))
		named := slices.Contains(differ, changed.key)
		if named == changed.live || len(differ) > 1 || taken != changed.live {
			t.Errorf("%s, live %t: named are %q, taken %t", changed.key, changed.live, differ, taken)
		}
	}
}

func TestReloadMerges(t *testing.T) {
	was := parsed(t, reloadText)
	next := parsed(t, strings.NewReplacer(`"0.96"`, `"1.20"`, "ledger: {", "ledger: {sign_every: 2h, ",
		"username: u", "username: u, probe_every: 5s").Replace(reloadText))
	merged, needRestart, err := was.Reload(next)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(needRestart, []string{"ledger.sign_every"}) {
		t.Errorf("named are %q, want ledger.sign_every", needRestart)
	}
	if got := merged.Tariffs[0].PerMinute; got != "1.20" {
		t.Errorf("the price is %s, want the file's, 1.20", got)
	}
	if got := merged.PBX[0].ProbeEvery; got != 5*time.Second {
		t.Errorf("probe_every is %s, want the file's, 5s", got)
	}
	if got := merged.Ledger.SignEvery; got != time.Hour {
		t.Errorf("sign_every is %s, want that of the start, 1h", got)
	}
	if was.Tariffs[0].PerMinute != "0.96" || next.Ledger.SignEvery != 2*time.Hour {
		t.Error("a configuration was changed that was given")
	}
}

// What goes with what needs a restart, and not with what runs, is refused as a whole.
func TestReloadRefusesWhatOnlyARestartAllows(t *testing.T) {
	without := strings.Replace(reloadText, `country_code: "39", `, "", 1)
	without = strings.Replace(without, `, tariff: standard, did: "+390612345678"`, "", 1)
	_, needRestart, err := parsed(t, without).Reload(parsed(t, reloadText))
	if err == nil || !strings.Contains(err.Error(), "callers.country_code") {
		t.Errorf("a price that needs another country code: %v, %q", err, needRestart)
	}
}

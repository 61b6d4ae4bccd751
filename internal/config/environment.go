package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// EnvPrefix begins the name of every variable of ours.
const EnvPrefix = "RISPOSTA_"

// EnvConfig names the configuration file, in place of --config. The commands read it, not this
// package.
const EnvConfig = EnvPrefix + "CONFIG"

// envName is the variable that overrides a key: pbx[0].password_file is
// RISPOSTA_PBX_0_PASSWORD_FILE.
func envName(key string) string {
	return EnvPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "[", "_", "]", "").Replace(key))
}

// environment applies the variables of ours. Commas separate a list of texts. Any other list has
// the elements that the file gives it.
func (l *loader) environment(environ []string, c *Config) {
	targets := map[string]reflect.Value{}
	collect(reflect.ValueOf(c).Elem(), "", targets)
	for _, kv := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, EnvPrefix) || name == EnvConfig {
			continue
		}
		target, ok := targets[name]
		if !ok {
			l.variable(name, "unknown variable: it overrides no key of the configuration")
			continue
		}
		if err := scalar(target, value); err != nil {
			l.variable(name, err.Error())
		}
	}
}

func (l *loader) variable(name, what string) {
	l.problems = append(l.problems, Problem{File: "environment", Key: name, What: what, Outside: true})
}

// collect finds the value that each variable overrides.
func collect(v reflect.Value, key string, targets map[string]reflect.Value) {
	switch {
	case v.Kind() == reflect.Struct && v.Type() != secretType:
		for i := range v.NumField() {
			collect(v.Field(i), join(key, v.Type().Field(i).Tag.Get("yaml")), targets)
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			collect(v.Index(i), fmt.Sprintf("%s[%d]", key, i), targets)
		}
	default:
		targets[envName(key)] = v
	}
}

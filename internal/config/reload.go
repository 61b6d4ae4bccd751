package config

import (
	"fmt"
	"reflect"
)

// reloads is the tag of a key that can change while the gateway runs. What a call is charged by can;
// what is opened at the start, a file, a key, a connection, can't.
const reloads = "reload"

// Reload is the configuration that holds after next was loaded: next's where a key can change while
// the gateway runs, c's elsewhere. needRestart are the keys elsewhere that differ. An error says why
// the two do not go together without a restart. Neither c nor next is changed.
func (c *Config) Reload(next *Config) (merged *Config, needRestart []string, err error) {
	m := *next
	keep(reflect.ValueOf(&m).Elem(), reflect.ValueOf(c).Elem(), "", &needRestart)
	l := &loader{file: "configuration"}
	l.check(&m)
	if len(l.problems) > 0 {
		return nil, needRestart, fmt.Errorf("it needs a restart (%v): %w", needRestart,
			l.problems)
	}
	return &m, needRestart, nil
}

// keep sets what can't change back to what it was, and notes what differed.
func keep(v, was reflect.Value, key string, differ *[]string) {
	switch {
	case v.Kind() == reflect.Struct && v.Type() != secretType:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if _, live := f.Tag.Lookup(reloads); !live {
				keep(v.Field(i), was.Field(i), join(key, f.Tag.Get("yaml")), differ)
			}
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct && v.Len() == was.Len():
		own := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(own, v)
		v.Set(own)
		for i := range v.Len() {
			keep(v.Index(i), was.Index(i), fmt.Sprintf("%s[%d]", key, i), differ)
		}
	case !reflect.DeepEqual(v.Interface(), was.Interface()):
		*differ = append(*differ, key)
		v.Set(was)
	}
}

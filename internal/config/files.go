package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// NamedFile is a file that the configuration names and that `run` reads.
type NamedFile struct {
	Key    string // such as pbx[0].password_file
	Path   string
	Secret bool // nobody but the gateway may read it
	Made   bool // by the first run, if it is not there
}

// publicFiles are the keys of files that anybody may read. Every other file is taken for a secret.
var publicFiles = []string{"ca_file", "cert_file", "template_file"}

// otherFiles are the keys of files whose names do not end with _file, and madeFiles those that the
// gateway makes. The ledger itself is read by nobody else: package check has its own rule for it.
var (
	otherFiles = []string{"exemption.registry", "exemption.csv"}
	madeFiles  = []string{"ledger.key_file", "exemption.registry"}
)

// Files are all files that the configuration names, in the order of its keys.
func (c *Config) Files() []NamedFile { return files(reflect.ValueOf(c).Elem(), "", nil) }

func files(v reflect.Value, key string, found []NamedFile) []NamedFile {
	switch {
	case v.Type() == secretType:
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			found = files(v.Field(i), join(key, v.Type().Field(i).Tag.Get("yaml")), found)
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			found = files(v.Index(i), fmt.Sprintf("%s[%d]", key, i), found)
		}
	case v.Kind() == reflect.String && v.String() != "" &&
		(strings.HasSuffix(key, "_file") || slices.Contains(otherFiles, key)):
		found = append(found, NamedFile{
			Key: key, Path: v.String(),
			Secret: !slices.Contains(publicFiles, last(key)),
			Made:   slices.Contains(madeFiles, key),
		})
	}
	return found
}

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds the configuration's size.
const maxFile = 1 << 20

// Needs says which secrets a command needs. It gets no others.
type Needs uint8

// The needs of the commands.
const (
	NoSecrets     Needs = iota // reads the ledger
	AdminPassword              // reads the admin port, and nothing else
	CallersKey                 // makes pseudonyms and asks exemption lookups, and reads the ledger
	AllSecrets                 // connects to a PBX, too
	TapSecrets                 // reads a PBX for meters elsewhere
	ProxySecrets               // serves a PBX's commands to meters elsewhere
)

// Load reads the file, applies the environment (as [os.Environ] gives it), and checks everything.
// Its error is [Problems], or one [Problem].
func Load(path string, environ []string, needs Needs) (*Config, error) {
	const unreadable = "the configuration can't be read: %v"
	f, err := os.Open(path)
	if err != nil {
		return nil, Problem{File: path, What: fmt.Sprintf(unreadable, errors.Unwrap(err)), Outside: true}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, Problem{File: path, What: fmt.Sprintf(unreadable, err), Outside: true}
	}
	return Parse(path, text, environ, needs, os.ReadFile)
}

// Parse is [Load] on text. readFile reads the files of secrets.
func Parse(
	path string, text []byte, environ []string, needs Needs, readFile func(string) ([]byte, error),
) (*Config, error) {
	l := &loader{file: path, readFile: readFile, lines: map[string]int{}, needs: needs}
	var c Config
	if len(text) > maxFile {
		return nil, Problem{File: path, What: fmt.Sprintf("longer than %d bytes", maxFile)}
	}
	l.document(text, &c)
	l.environment(environ, &c)
	if len(l.problems) == 0 {
		l.finish(&c)
	}
	if len(l.problems) > 0 {
		return nil, l.problems
	}
	return &c, nil
}

// finish sets defaults, reads secrets and checks, as far as the command needs them.
func (l *loader) finish(c *Config) {
	if l.needs >= TapSecrets {
		*c = Config{
			PBX: c.PBX, Operators: c.Operators, NATS: c.NATS, Tap: c.Tap, Admin: c.Admin, Log: c.Log,
		}
	}
	c.defaults()
	switch l.needs {
	case TapSecrets:
		l.besidePBXSecrets(c)
		l.checkForTap(c)
	case ProxySecrets:
		l.besidePBXSecrets(c)
		l.checkForProxy(c)
	default:
		l.checkPlace(c)
		l.secrets(c, l.needs)
		l.check(c)
	}
}

type loader struct {
	file     string
	readFile func(string) ([]byte, error)
	lines    map[string]int // by key
	needs    Needs
	problems Problems
}

// outside is a problem that is not in the text of the configuration.
func (l *loader) outside(key, format string, args ...any) {
	l.problems = append(l.problems, l.newProblem(true, key, fmt.Sprintf(format, args...)))
}

func (l *loader) problem(key, format string, args ...any) {
	l.problems = append(l.problems, l.newProblem(false, key, fmt.Sprintf(format, args...)))
}

func (l *loader) newProblem(outside bool, key, what string) Problem {
	line := l.lines[key]
	for parent := key; line == 0 && parent != ""; { // a missing key has the line of its parent
		if parent = parent[:max(0, strings.LastIndexAny(parent, ".["))]; parent != "" {
			line = l.lines[parent]
		}
	}
	return Problem{File: l.file, Line: line, Key: key, What: what, Outside: outside}
}

func (l *loader) document(text []byte, c *Config) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			l.problem("", "the configuration is empty")
			return
		}
		oneLine := strings.ReplaceAll(err.Error(), "\n", " ")
		l.problem("", "%s", strings.TrimPrefix(oneLine, "yaml: "))
		return
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		l.problem("", "more than one YAML document")
		return
	}
	l.fill(reflect.ValueOf(c).Elem(), doc.Content[0], "")
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[Secret]()
)

// fill sets a field from a node, which must be of the field's type.
func (l *loader) fill(v reflect.Value, n *yaml.Node, key string) {
	l.lines[key] = n.Line
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		l.problem(key, "anchors and aliases are not allowed")
	case v.Type() == secretType:
		l.problem(key, "a secret does not belong in this file: "+
			"give it in a file of its own (%s_file) or in the environment (%s)", last(key), envName(key))
	case v.Kind() == reflect.Struct:
		l.fillStruct(v, n, key)
	case v.Kind() == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			l.problem(key, "must be a list")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, item := range n.Content {
			l.fill(v.Index(i), item, fmt.Sprintf("%s[%d]", key, i))
		}
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null":
		l.problem(key, "must be a single value")
	default:
		if err := scalar(v, n.Value); err != nil {
			l.problem(key, "%v", err)
		}
	}
}

func (l *loader) fillStruct(v reflect.Value, n *yaml.Node, key string) {
	if n.Kind != yaml.MappingNode {
		l.problem(key, "must hold keys")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		sub := join(key, name.Value)
		field, ok := fieldOf(v, name.Value)
		l.lines[sub] = name.Line
		switch {
		case !ok:
			l.problem(sub, "unknown key; known here: %s", strings.Join(keysOf(v.Type()), ", "))
		case seen[name.Value]:
			l.problem(sub, "given twice")
		default:
			l.fill(field, value, sub)
		}
		seen[name.Value] = true
	}
}

func scalar(v reflect.Value, text string) error {
	switch {
	case v.Type() == durationType:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 1s", text)
		}
		v.SetInt(int64(d))
	case v.Type() == secretType:
		v.Set(reflect.ValueOf(Secret{text}))
	case v.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(int64(n))
	case v.Kind() == reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(text == "true")
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Type() == reflect.TypeFor[[]string]():
		v.Set(reflect.ValueOf(strings.Split(text, ",")))
	default:
		return errors.New("can't be given as a single value")
	}
	return nil
}

func fieldOf(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == name {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if t.Field(i).Type != secretType {
			keys = append(keys, t.Field(i).Tag.Get("yaml"))
		}
	}
	return keys
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

func last(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

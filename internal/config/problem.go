package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Problem is one problem of the configuration. Its text is one line.
type Problem struct {
	File string // or "environment"
	Line int    // from 1; 0: none
	Key  string // such as services[0].tariff
	What string
	// Outside is whether it is not in the text of the configuration: a secret's file that is not there
	// yet, a variable. It may end without an edit.
	Outside bool
}

func (p Problem) Error() string {
	where := p.File
	if p.Line > 0 {
		where = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	if p.Key != "" {
		where += ": " + p.Key
	}
	return where + ": " + p.What
}

// NeedsEdit reports whether the error of [Load] stays, whatever comes from outside, until the text of
// the configuration is edited.
func NeedsEdit(err error) bool {
	if all, ok := errors.AsType[Problems](err); ok {
		return slices.ContainsFunc(all, func(p Problem) bool { return !p.Outside })
	}
	p, ok := errors.AsType[Problem](err)
	return ok && !p.Outside
}

// Problems are all that is wrong, a line each.
type Problems []Problem

func (all Problems) Error() string {
	lines := make([]string, len(all))
	for i, p := range all {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each.
func (all Problems) Unwrap() []error {
	errs := make([]error, len(all))
	for i, p := range all {
		errs[i] = p
	}
	return errs
}

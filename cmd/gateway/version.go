package main

import (
	"fmt"
	"runtime/debug"
)

// version is set by the Makefile from git. A plain `go build` leaves it empty.
var version = ""

type versionCommand struct{}

// Run prints one line.
func (versionCommand) Run(io streams) error {
	_, err := fmt.Fprintln(io.stdout, versionText())
	return err
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

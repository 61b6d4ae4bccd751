// Package integration tests the gateway on a real Asterisk: real SIP calls, real faults, and
// Asterisk's own logs as the judge.
//
// The live tests have the build tag `live`, because they need Docker and sipp: `make test` installs
// both and runs all tests; none is skipped. Package lab sets up Asterisk, phones and gateway; judge
// computes the true talk; demo shows one call to a newcomer; faults measures what faults cost. The
// gateway imports nothing from here.
package integration

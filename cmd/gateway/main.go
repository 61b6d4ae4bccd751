// Command gateway meters the calls of a paid customer-service line, from the operator's answer. Its
// file is called risposta.
//
// Each command has a file, which holds its flags, its output and its exit code. The work is done in
// internal/: [config.Load] reads the configuration, internal/gateway runs, internal/check,
// internal/timeline, internal/audit, internal/reconcile, internal/report and internal/remeasure look at
// what there is.
//
// Exit codes: 0 done; 1 failed, or a check found a problem; 2 the command line or the configuration
// is wrong, and nothing was started; 78 instead, of run alone, where only an edit of the configuration
// can mend it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/printable"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

type commands struct {
	Run       runCommand       `cmd:"" help:"Meter the calls of the PBX until SIGTERM; SIGHUP reloads."`
	Tap       tapCommand       `cmd:"" help:"Read a PBX, beside it, for the meters of a cluster, until SIGTERM."`
	Proxy     proxyCommand     `cmd:"" help:"Serve a PBX's commands to a gateway elsewhere, over NATS."`
	Setup     setupCommand     `cmd:"" help:"Write a first configuration and its keys, and check them."`
	Check     checkCommand     `cmd:"" help:"Find problems in the configuration and at the PBX."`
	Replay    replayCommand    `cmd:"" help:"Turn recorded ARI frames into records, without a PBX."`
	Explain   explainCommand   `cmd:"" help:"Show one call second by second, and why each is charged or free."`
	Records   recordsCommand   `cmd:"" help:"Print the records of a period."`
	Report    reportCommand    `cmd:"" help:"Report the quality of service in a period."`
	Compare   compareCommand   `cmd:"" help:"Put the published reports of companies side by side."`
	Quality   qualityCommand   `cmd:"" help:"Audit the figures of the reports."`
	Verify    verifyCommand    `cmd:"" help:"Verify every record against its evidence and the signed log."`
	Reconcile reconcileCommand `cmd:"" help:"Compare the records with Asterisk's logs, and correct them."`
	Dispute   disputeCommand   `cmd:"" help:"Keep the detail of a disputed call, or write its evidence into a folder."`
	Key       keyCommand       `cmd:"" help:"Rotate the key that the ledger log is signed with."`
	Backup    backupCommand    `cmd:"" help:"Copy ledger and register into a folder, also beside a running gateway."`
	Restore   restoreCommand   `cmd:"" help:"Put a backup in place."`
	Ledger    ledgerCommand    `cmd:"" help:"Move the ledger into PostgreSQL."`
	Delivery  deliveryCommand  `cmd:"" help:"Look after the systems that get the records."`
	Payers    payersCommand    `cmd:"" help:"Print the pseudonyms of customers' numbers."`
	Top       topCommand       `cmd:"" help:"Show what the running gateway meters now."`
	Logs      logsCommand      `cmd:"" help:"Look up the events of the log."`
	Exempt    exemptCommand    `cmd:"" help:"Manage the register of exempt callers."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

// streams are the environment of a command, and where it writes.
type streams struct {
	environ        []string
	stdout, stderr io.Writer
	binary         io.Writer // stdout for what is no text
}

// The exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
	// exitConfig is EX_CONFIG of sysexits.h. deploy/risposta.service does not start it again; code 2 is
	// also that of a Go program that panics, or that the watchdog ends.
	exitConfig = 78
)

// usage marks an error of the command line or the configuration.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

// needsEdit marks an error of the configuration that starting again does not mend.
type needsEdit struct{ error }

func (e needsEdit) Unwrap() error { return e.error }

// newParser reads command lines into cli.
func newParser(cli *commands, options ...kong.Option) *kong.Kong {
	parser, err := kong.New(cli, append(options,
		kong.Name("risposta"),
		kong.Description("Risposta meters a paid service line from the operator's answer: "+
			"waiting is free."),
		kong.Vars{"config": defaultConfig, "configEnv": config.EnvConfig})...)
	if err != nil {
		panic("the struct tags of the command line are wrong: " + err.Error())
	}
	return parser
}

func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	var cli commands
	exited := -1
	binary := stdout
	stdout, stderr = printable.To(stdout), printable.To(stderr)
	parser := newParser(&cli, kong.UsageOnError(), kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }))
	command, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "risposta: %v\n", err)
		return exitUsage
	}
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(streams{environ, stdout, stderr, binary}); err != nil {
		fmt.Fprintf(stderr, "risposta: %v\n", err)
		if _, ok := errors.AsType[needsEdit](err); ok {
			return exitConfig
		}
		if _, ok := errors.AsType[usage](err); ok {
			return exitUsage
		}
		return exitFailed
	}
	return 0
}

// defaultConfig is the path that deploy/risposta.service names.
const defaultConfig = "/etc/risposta/gateway.yaml"

// configFlag names the configuration of a command.
type configFlag struct {
	Config string `help:"The configuration file." env:"${configEnv}" default:"${config}" type:"path" placeholder:"FILE"`
}

// load reads the configuration with all its secrets.
func (f configFlag) load(io streams) (*config.Config, error) {
	c, err := config.Load(f.Config, io.environ, config.AllSecrets)
	if err != nil {
		return nil, usage{err}
	}
	return c, nil
}

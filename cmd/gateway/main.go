// Command gateway meters the calls of a paid customer-service line, from the operator's answer.
//
// One file per command. What the commands share lives in internal/: config reads the configuration, pipeline joins the pure rooms,
// daemon is the running gateway, timeline explains a call. Exit codes: 0 done; 1 it could not be done, or check found something; 2 the
// command line or the configuration is wrong, and nothing was started.
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
	_ "github.com/risposta/gateway/metering/ledger/sqlite" // the store of a plain path
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

type commands struct {
	Run       runCommand       `cmd:"" help:"Watch the PBX and meter its calls, until SIGTERM."`
	Check     checkCommand     `cmd:"" help:"Say what is wrong, in the configuration and at the PBX."`
	Replay    replayCommand    `cmd:"" help:"Turn recorded ARI frames into records, without a PBX."`
	Explain   explainCommand   `cmd:"" help:"Show one call second by second, and why each is charged or free."`
	Records   recordsCommand   `cmd:"" help:"Print the records of a period."`
	Verify    verifyCommand    `cmd:"" help:"Check every record against its evidence and the signed log, as an auditor would."`
	Reconcile reconcileCommand `cmd:"" help:"Compare the records with Asterisk's own logs, and prove from them what was not seen."`
	Dispute   disputeCommand   `cmd:"" help:"Hold the detail of a contested call, or write the pack for its contest."`
	Backup    backupCommand    `cmd:"" help:"Copy the ledger into a file, also beside a running gateway."`
	Exempt    exemptCommand    `cmd:"" help:"Keep the register of those who never pay."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

// streams are where a command reads its surroundings from and writes to.
type streams struct {
	environ        []string
	stdout, stderr io.Writer
}

// The exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

// usage marks an error of the command line or the configuration.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	var cli commands
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("gateway"), kong.Description("Risposta meters a paid service line from the operator's answer: waiting is free."),
		kong.UsageOnError(), kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }),
	)
	if err != nil {
		panic("the command line's own description is wrong: " + err.Error())
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "gateway: %v\n", err)
		return exitUsage
	}
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(streams{environ: environ, stdout: stdout, stderr: stderr}); err != nil {
		fmt.Fprintf(stderr, "gateway: %v\n", err)
		var wrong usage
		if errors.As(err, &wrong) {
			return exitUsage
		}
		return exitFailed
	}
	return 0
}

// configFlag is how every command is told the configuration.
type configFlag struct {
	Config string `help:"The configuration file." env:"RISPOSTA_CONFIG" default:"/etc/risposta/gateway.yaml" type:"path" placeholder:"FILE"`
}

func (f configFlag) load(io streams) (*config.Config, error) {
	c, err := config.Load(f.Config, io.environ, config.AllSecrets)
	if err != nil {
		return nil, usage{err}
	}
	return c, nil
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

type replayCommand struct {
	Config    string   `help:"The configuration to replay under. Without one, --callers and --operators say who is who, and nothing has a price." type:"path" placeholder:"FILE"`
	Callers   []string `help:"Endpoints that callers come from, such as PJSIP/trunk*." placeholder:"GLOB" sep:","`
	Operators []string `help:"Endpoints of operators, such as PJSIP/agent*." placeholder:"GLOB" sep:","`
	Traces    []string `arg:"" name:"trace" help:"Recordings of ARI events, one frame a line; each file is a recording of its own." type:"existingfile"`
}

// Run prints one record a line for each call, in the order in which the calls end.
func (c replayCommand) Run(ctx context.Context, io streams) (err error) {
	rules, lookup, err := c.rules(ctx, io)
	if err != nil {
		return err
	}
	if lookup != nil {
		defer func() { err = errors.Join(err, lookup.Close()) }()
	}
	out := bufio.NewWriter(io.stdout)
	for _, path := range c.Traces {
		r := replay{mediator: mediation.New(rules), lookup: lookup, stdout: out, stderr: io.stderr, path: path, logged: map[string]int{}}
		if err := r.run(ctx); err != nil {
			return errors.Join(fmt.Errorf("replaying %s: %w", path, err), out.Flush())
		}
	}
	return out.Flush()
}

func (c replayCommand) rules(ctx context.Context, io streams) (mediation.Rules, *lookups.Lookups, error) {
	if c.Config == "" {
		rules, err := c.bareRules()
		return rules, nil, err
	}
	if len(c.Callers)+len(c.Operators) > 0 {
		return mediation.Rules{}, nil, usage{errors.New("--callers and --operators go without --config: the configuration says who is who")}
	}
	conf, err := config.Load(c.Config, io.environ, config.CallersKey)
	if err != nil {
		return mediation.Rules{}, nil, usage{err}
	}
	rules, err := conf.Rules()
	if err != nil {
		return rules, nil, err
	}
	lookups, err := existingLookups(ctx, conf)
	return rules, lookups, err
}

// existingLookups opens what is asked whether callers are exempt, without making a register where there is none yet: that would be empty.
func existingLookups(ctx context.Context, conf *config.Config) (*lookups.Lookups, error) {
	c := *conf
	if _, err := os.Stat(c.Exemption.Registry); errors.Is(err, fs.ErrNotExist) {
		c.Exemption.Registry = ""
	}
	return lookups.Open(ctx, &c, exemption.Watch{})
}

// bareRules serve a recording of which nothing else is known: each call from a caller's endpoint is metered, under the number it dialled.
func (c replayCommand) bareRules() (mediation.Rules, error) {
	if len(c.Callers) == 0 || len(c.Operators) == 0 {
		return mediation.Rules{}, usage{errors.New("without --config, give both --callers and --operators, such as --callers 'PJSIP/trunk*' --operators 'PJSIP/agent*'")}
	}
	callers, err := mediation.NewGlobs(c.Callers...)
	if err != nil {
		return mediation.Rules{}, usage{fmt.Errorf("--callers: %w", err)}
	}
	operators, err := mediation.NewGlobs(c.Operators...)
	if err != nil {
		return mediation.Rules{}, usage{fmt.Errorf("--operators: %w", err)}
	}
	return mediation.Rules{
		Service:   func(ch ari.Channel) (string, bool) { return ch.Exten, ch.Exten != "" && callers.Match(ch.Endpoint()) },
		Operators: operators,
		Terms:     func(string, time.Time) metering.Terms { return metering.Terms{} },
		Pseudonym: (*metering.Pseudonyms)(nil).Of,
	}, nil
}

// replay is one recording on its way through the pipeline.
type replay struct {
	mediator *mediation.Mediator
	lookup   exemption.Lookup
	stdout   io.Writer
	stderr   io.Writer
	path     string
	line     int
	logged   map[string]int
}

// maxLine is the longest line that is kept whole, as on the socket.
const maxLine = 1 << 20

func (r *replay) run(ctx context.Context) error {
	f, err := os.Open(r.path)
	if err != nil {
		return err
	}
	lines := bufio.NewReader(f)
	for {
		frame, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(err, f.Close())
		}
		r.line++
		if len(bytes.TrimSpace(frame.Raw)) == 0 {
			continue
		}
		if err := r.feed(ctx, frame); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	var out mediation.Output
	r.mediator.Finish(&out)
	r.summary()
	return errors.Join(r.print(&out), f.Close())
}

func (r *replay) feed(ctx context.Context, frame ari.Frame) error {
	var out mediation.Output
	if bad, _ := r.mediator.Feed(frame, &out); bad != nil {
		r.note(bad)
	}
	for _, ask := range out.Asks {
		answer, err := r.lookup.Exempt(ctx, ask.Number, ask.At)
		if err != nil {
			fmt.Fprintf(r.stderr, "%s:%d: the exemption of call %s is not known: %v\n", r.path, r.line, ask.Call, err)
			answer = exemption.Answer{}
		}
		r.mediator.Answer(ask.Call, answer.Exemption, &out)
	}
	return r.print(&out)
}

func (r *replay) print(out *mediation.Output) error {
	for _, rec := range out.Records {
		if _, err := r.stdout.Write(append(rec.JSON(), '\n')); err != nil {
			return err
		}
	}
	return nil
}

// note says each kind of unreadable frame once, at its first line.
func (r *replay) note(bad *ari.Unreadable) {
	r.logged[bad.Type]++
	if r.logged[bad.Type] == 1 {
		fmt.Fprintf(r.stderr, "%s:%d: %v\n", r.path, r.line, bad)
	}
}

func (r *replay) summary() {
	total := 0
	for _, n := range r.logged {
		total += n
	}
	if total > 0 {
		fmt.Fprintf(r.stderr, "%s: %d unreadable frames of %d\n", r.path, total, r.line)
	}
}

// readLine reads one line of any length; of one longer than maxLine it keeps the front.
func readLine(b *bufio.Reader) (ari.Frame, error) {
	var f ari.Frame
	total := 0
	for {
		part, err := b.ReadSlice('\n')
		total += len(part)
		if room := maxLine - len(f.Raw); room > 0 {
			f.Raw = append(f.Raw, part[:min(room, len(part))]...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && total > 0, err == nil:
			if total > maxLine {
				f.Total = total
			}
			return f, nil
		default:
			return f, err
		}
	}
}

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/risposta/gateway/internal/setup"
)

type setupCommand struct {
	configFlag
	PBX       string `help:"ARI's address, such as http://127.0.0.1:8088/ari." placeholder:"URL"`
	Operators string `help:"Endpoints of operators, such as PJSIP/agent*, separated by commas." placeholder:"GLOB,..."`
	Service   string `help:"The extension that callers reach, such as 1001." placeholder:"NUMBER"`
	Context   string `help:"The dialplan context in which their calls come in." placeholder:"NAME"`
	Callers   string `help:"Endpoints that calls come from; - for any but the operators'." placeholder:"GLOB,..."`
	Law       string `help:"The law: it, de, fr, es, uk." placeholder:"LAW"`
	Country   string `help:"The code of the country, such as 39." placeholder:"CODE"`
	DID       string `help:"The number that callers dial from outside; - for none." placeholder:"NUMBER"`
	Price     string `help:"The price of a minute, such as 0.96; - to meter free of charge." placeholder:"PRICE"`
	Currency  string `help:"The currency of the price." default:"EUR" placeholder:"CODE"`
	State     string `help:"The folder of the ledger." default:"/var/lib/risposta" type:"path" placeholder:"FOLDER"`
}

// question is asked where its flag is not given.
type question struct {
	value        *string
	flag         string
	text, usual  string // usual: the answer to an empty line
	withoutPrice bool   // it is not asked where there is no price
}

func (c *setupCommand) questions() []question {
	return []question{
		{&c.PBX, "--pbx", "ARI's address", "http://127.0.0.1:8088/ari", true},
		{&c.Operators, "--operators", "operators' endpoints, separated by commas", "PJSIP/agent*", true},
		{&c.Callers, "--callers", "the trunks' endpoints", "PJSIP/trunk*", true},
		{&c.Service, "--service", "the extension that callers reach", "", true},
		{&c.Context, "--context", "the context in which their calls come in", "from-trunk", true},
		{&c.Law, "--law", "the law: it, de, fr, es, uk", "it", true},
		{&c.Country, "--country", "the country's code", "39", true},
		{&c.Price, "--price", "the price of a minute; - to meter free of charge", none, true},
		{&c.DID, "--did", "the number that callers dial from outside", "", false},
	}
}

// none is the answer that leaves a key out.
const none = "-"

// Run asks what the flags do not give, writes the files, checks, and prints the next step.
func (c *setupCommand) Run(ctx context.Context, s streams) error {
	lines := bufio.NewScanner(os.Stdin)
	for _, q := range c.questions() {
		if *q.value != "" || !q.withoutPrice && c.Price == none {
			continue
		}
		if err := q.ask(lines, s.stdout); err != nil {
			return usage{err}
		}
	}
	files, err := setup.Write(c.Config, setup.Answers{
		PBX: c.PBX, Operators: texts(c.Operators), Number: c.Service, Context: c.Context,
		Callers: texts(c.Callers), DID: given(c.DID), Price: given(c.Price), Currency: c.Currency,
		Law: c.Law, Country: given(c.Country), State: c.State,
	})
	if err != nil {
		return err
	}
	for _, name := range []string{files.Config, files.Key, files.Password, files.ARI} {
		fmt.Fprintf(s.stdout, "wrote %s\n", name)
	}
	// What is not as it should be yet is printed, and the next steps mend it.
	_ = checkCommand{configFlag: c.configFlag}.Run(ctx, s)
	_, err = fmt.Fprintf(s.stdout, nextSteps, files.ARI, filepath.Join("/etc/asterisk", "ari.conf"))
	return err
}

const nextSteps = `
Next:
1. cat %s >>%s
   (FreePBX: ari_additional_custom.conf), then: asterisk -rx 'module reload res_ari'
2. risposta check, until no line begins with FAIL
3. systemctl start risposta
4. Call the service, hang up, and: risposta records
`

func (q question) ask(lines *bufio.Scanner, out io.Writer) error {
	usual := ""
	if q.usual != "" {
		usual = " [" + q.usual + "]"
	}
	fmt.Fprintf(out, "%s%s: ", q.text, usual)
	if !lines.Scan() {
		fmt.Fprintln(out)
		return fmt.Errorf("no answer: give %s", q.flag)
	}
	if *q.value = strings.TrimSpace(lines.Text()); *q.value == "" {
		*q.value = q.usual
	}
	if *q.value == "" {
		return fmt.Errorf("no answer: give %s", q.flag)
	}
	return nil
}

func given(answer string) string {
	if answer == none {
		return ""
	}
	return answer
}

func texts(answer string) (all []string) {
	for t := range strings.SplitSeq(given(answer), ",") {
		if t = strings.TrimSpace(t); t != "" {
			all = append(all, t)
		}
	}
	return all
}

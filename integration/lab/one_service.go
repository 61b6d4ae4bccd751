package lab

import (
	"context"
	"errors"
	"strings"
	"time"
)

// oneService configures a gateway for one priced service, on the number 1001 of the deployed
// dialplan.
const oneService = `
pbx:
  - {name: {{name}}, url: "{{ari}}", username: risposta}
operators: ["{{operators}}"]
services:
  - {number: "1001", context: from-trunk, name: {{name}}, tariff: standard, did: "+390612345678"}
tariffs:
  - {name: standard, per_minute: "0.96", increment: 1s, currency: EUR}
law: {policy: it}
extensions: ["100?"]
callers: {country_code: "39"}
ledger: {file: "{{dir}}/ledger.db"}
admin: {listen: "{{admin}}"}
`

// readyTimeout bounds the start of a gateway, which takes some 100 ms on an idle machine.
const readyTimeout = 20 * time.Second

// StartOneService starts a gateway beside the PBX, with one service of this name at 0.96 EUR a
// minute, and waits until it meters calls. Where it fails it leaves nothing running.
func StartOneService(
	ctx context.Context, binary, dir, ariURL, name, operators string,
) (*Gateway, error) {
	config := strings.NewReplacer("{{name}}", name, "{{operators}}", operators).Replace(oneService)
	g, err := NewGateway(binary, dir, ariURL, config)
	if err != nil {
		return nil, err
	}
	if err := g.Start(); err != nil {
		return nil, err
	}
	if err := g.WaitReady(ctx, readyTimeout); err != nil {
		return nil, errors.Join(err, g.Kill(context.WithoutCancel(ctx)))
	}
	return g, nil
}

package native

import (
	"context"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// Attestation implements ari.Control.
func (c *Control) Attestation(ctx context.Context, ch ari.ChannelID) metering.Attestation {
	return ari.ReadAttestation(ctx, ari.SignatureReader{
		RunningApp: func(ctx context.Context) string { return c.rest.runningApp(ctx, ch) },
		Variable: func(ctx context.Context, name string) (string, error) {
			return c.rest.variable(ctx, ch, name)
		},
	})
}

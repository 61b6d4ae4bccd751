//go:build live

package integration

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/integration/lab"
)

// quiet is a cluster.ControlObserver that notes the connection only.
type quiet chan struct{}

func (q quiet) Connected()                      { close(q) }
func (quiet) Disconnected(error, time.Duration) {}

// What the way through ari-proxy costs a command, beside the straight one.
func TestMeasureCommandsThroughTheProxy(t *testing.T) {
	p := newClustered(t, frontDeskConfig, 1, []service{servedBy("op1", "idle", queued)}, map[string]string{
		"extensions.d/cost.conf": "[cost]\nexten => s,1,Answer()\n same => n,Wait(120)\n",
	})
	t.Setenv("SSL_CERT_FILE", p.nats.CA) // ari-proxy's client takes no ca_file
	password, err := p.nats.Password("meter")
	if err != nil {
		t.Fatal(err)
	}
	app, err := lab.StartApp(p.ctx, p.pbx.URL(), "cost")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Stop)
	direct := native.NewControl(native.Config{
		URL: p.pbx.URL(), Username: lab.ARIUser, Password: lab.ARIPassword, Application: "risposta",
	})
	t.Cleanup(direct.Close)
	connected := make(quiet)
	through := cluster.NewControl(cluster.ControlConfig{
		URLs: p.nats.URLs, Username: "meter", Password: password, Application: "risposta", Node: pbxNode, Observer: connected,
	}, direct)
	t.Cleanup(through.Close)
	<-connected
	took := map[string][]time.Duration{}
	const channels, times = 50, 10
	for i := range channels {
		for way, c := range map[string]ari.Control{"direct": direct, "through": through} {
			id := fmt.Sprintf("cost-%s-%d", way, i)
			if err := app.Call(p.ctx, "Local/s@cost", id); err != nil {
				t.Fatal(err)
			}
			measureCommands(p.ctx, t, c, way, ari.ChannelID(id), times, took)
		}
	}
	for _, what := range []string{"set", "play", "continue"} {
		for _, way := range []string{"direct", "through"} {
			all := took[what+" "+way]
			slices.Sort(all)
			p99 := all[len(all)*99/100]
			t.Logf("%-8s %-7s n=%d p50=%s p99=%s", what, way, len(all), all[len(all)/2], p99)
			if all[len(all)/2] > 200*time.Millisecond {
				t.Errorf("half of the commands take longer than a call waits for the front desk")
			}
		}
	}
}

func measureCommands(
	ctx context.Context, t *testing.T, c ari.Control, way string, id ari.ChannelID, times int,
	took map[string][]time.Duration,
) {
	t.Helper()
	measure := func(what string, command func() error) {
		began := time.Now()
		if err := command(); err != nil {
			t.Fatal(err)
		}
		took[what+" "+way] = append(took[what+" "+way], time.Since(began))
	}
	for range times {
		measure("set", func() error { return c.SetVariable(ctx, id, "TIMEOUT(absolute)", "30") })
	}
	measure("play", func() error { return c.Play(ctx, id, string(id)+"-p", "en", "sound:beep") })
	measure("continue", func() error { return c.Continue(ctx, id) })
}

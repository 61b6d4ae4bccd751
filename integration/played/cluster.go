package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// A cluster is measured as a gateway is: PBXs, a tap for each, NATS, one meter, PostgreSQL on a disk.

// clusterTimeout bounds the start of a cluster.
const clusterTimeout = 3 * time.Minute

// runCluster plays calls to a cluster, and prints what they cost meter and taps.
func runCluster(ctx context.Context, o options) (err error) {
	first, _, _ := strings.Cut(o.rates, ",")
	rate, err := strconv.Atoi(first)
	if err != nil || rate < 1 {
		return fmt.Errorf("-rates: %q is not a number of calls a second", first)
	}
	if o.nats, err = filepath.Abs(o.nats); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "risposta-played-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	conf := lab.ClusterConfig{
		Binary: o.binary, NATSServer: o.nats, Dir: dir, Password: lab.ARIPassword, Meters: 1, Servers: 1,
	}
	calls := rate * int(o.length/time.Second)
	var players []*playerProcess
	defer func() {
		for _, p := range players {
			err = errors.Join(err, p.end())
		}
	}()
	for i := range o.pbxs {
		p, err := startPlayer(ctx, o.trace, i+1, rate, calls)
		if err != nil {
			return err
		}
		players, conf.PBXs = append(players, p), append(conf.PBXs, p.url)
	}
	c, err := lab.NewCluster(ctx, conf)
	defer func() { err = errors.Join(err, c.Close(context.WithoutCancel(ctx))) }()
	if err == nil {
		err = c.Start()
	}
	if err == nil {
		err = c.WaitMetered(ctx, o.pbxs, clusterTimeout)
	}
	if err != nil {
		return err
	}
	return measureCluster(ctx, c, players, rate, calls)
}

// measureCluster plays, and prints what was used meanwhile.
func measureCluster(
	ctx context.Context, c *lab.Cluster, players []*playerProcess, rate, calls int,
) error {
	meter := c.Meters[0]
	meterBefore, tapsBefore, err := usage(c)
	if err != nil {
		return err
	}
	lates, failed := make([]string, len(players)), make([]error, len(players))
	var playing sync.WaitGroup
	for i, p := range players {
		playing.Go(func() { lates[i], failed[i] = p.play() })
	}
	playing.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	err = lab.Until(ctx, endTimeout, "the calls to end", func() error {
		open, err := meter.Metric(ctx, "risposta_open_calls")
		if err == nil && open > 0 {
			err = fmt.Errorf("%.0f are open", open)
		}
		return err
	})
	if err != nil {
		return err
	}
	meterAfter, tapsAfter, err := usage(c)
	if err != nil {
		return err
	}
	res := result{calls: calls * len(players)}
	if err := res.readLog(meter.Logs()); err != nil {
		return err
	}
	perCall := func(after, before lab.Usage) float64 {
		return after.Since(before).CPU.Seconds() * 1000 / float64(res.calls)
	}
	fmt.Printf("%d PBXs, %d calls/s each, %d calls, %d records: CPU ms/call meter %.2f, taps %.2f; "+
		"frame to talk.started p50 %d ms, p99 %d ms; the players' latest frames were late by %s\n",
		len(players), rate, res.calls, res.records, perCall(meterAfter, meterBefore),
		perCall(tapsAfter, tapsBefore), res.wait(0.5), res.wait(0.99), strings.Join(lates, " "))
	if res.records != res.calls {
		return errors.New("calls are without a record")
	}
	return nil
}

// usage is what the meter has used, and all taps.
func usage(c *lab.Cluster) (meter, taps lab.Usage, err error) {
	if meter, err = lab.UsageOf(c.Meters[0].PID()); err != nil {
		return meter, taps, err
	}
	for _, t := range c.Taps {
		u, err := lab.UsageOf(t.PID())
		if err != nil {
			return meter, taps, err
		}
		taps.CPU, taps.Written, taps.WakeUps = taps.CPU+u.CPU, taps.Written+u.Written, taps.WakeUps+u.WakeUps
	}
	return meter, taps, nil
}

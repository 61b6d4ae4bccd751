package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	var b binaries
	flag.StringVar(&b.risposta, "gateway", "bin/risposta", "the binary of risposta")
	flag.StringVar(&b.nats, "nats", "bin/nats-server", "the binary of nats-server")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the random instants")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s, err := newTestRun(ctx, b, plain, *seed)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	s.traffic(10, 300*time.Millisecond)
	r, err := s.judge()
	fmt.Printf("%+v %v\n", r, err)
	if true {
		fmt.Println(s.logs())
	}
	fmt.Println(s.close())
}

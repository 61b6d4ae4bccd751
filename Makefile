# Everything a newcomer needs is `make demo` and `make test`; both set the machine up first.
GO ?= go
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo devel)
SHELL := /bin/bash
LIVE := $(GO) test -race -tags live -count=1 -parallel 4 -timeout 15m

.PHONY: help demo load test test-long unit live judge traces reliability lint vuln bench fuzz build image setup

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup build ## one call through Asterisk: what its CDR bills, and what Risposta bills
	@$(GO) run ./integration/demo -gateway bin/gateway

test: setup lint unit live ## all tests, the live ones on a dockerized Asterisk included

unit: ## tests that need no PBX, with the race detector
	$(GO) test -race -count=1 -timeout 10m ./...

live: setup ## real SIP calls on a real Asterisk
	$(LIVE) -skip TestLiveLore ./integration/...

test-long: setup ## longer runs of the random and the live tests
	$(GO) test -count=1 -timeout 60m ./internal/mediation ./metering ./metering/tariff -rapid.checks=20000
	$(LIVE) -count=5 -timeout 60m -skip TestLiveLore ./integration/...
	$(LIVE) -run TestLiveARestartLosesNoTalk ./integration/ -away 60s
	$(MAKE) judge reliability
	$(MAKE) fuzz FUZZTIME=5m

judge: setup ## every shape of call, live: what Asterisk's CEL says, what we say, what its CDR bills
	set -o pipefail; $(LIVE) -v -parallel 6 -run 'TestLiveShapes|TestLiveLore' ./integration/ | grep -E '^ +(shape |[a-z0-9-]+ +[0-9.]+ s)|^ *(ok|FAIL|---)'

TRACES ?= /tmp/risposta-traces
traces: setup ## the recordings of integration/testdata/traces, made anew into TRACES; their facts.txt are written by hand
	$(LIVE) -parallel 2 -run 'TestLiveRecording|TestLiveOperatorWhoCallsOut' ./integration/ -record $(TRACES)

RELIABILITY = $(GO) run ./integration/faults -gateway bin/gateway
reliability: build ## docs/reliability.md anew: what faults do to calls; takes ten minutes, needs /dev/fuse
	{ sed '/^| fault /,$$d' docs/reliability.md; $(RELIABILITY) -parallel 8; } > docs/reliability.new && mv docs/reliability.new docs/reliability.md

load: setup build ## calls at a steady rate on a real Asterisk: every record against the CEL, CPU a call
	@$(GO) run ./integration/load -gateway bin/gateway

lint: ## go vet and golangci-lint
	$(GO) vet -tags live ./...
	$(GO) tool -modfile=tools/go.mod golangci-lint run --build-tags live ./...

vuln: ## known vulnerabilities of what we build on, where their database can be reached
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

bench: ## figures of docs/performance.md
	$(GO) test -run '^$$' -bench . -benchmem ./...

FUZZTIME ?= 30s
fuzz: ## the fuzz targets, one after the other
	$(GO) test -run '^$$' -fuzz FuzzDecode -fuzztime $(FUZZTIME) ./ari
	$(GO) test -run '^$$' -fuzz FuzzParse -fuzztime $(FUZZTIME) ./internal/config

build: ## the gateway, into bin/
	$(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/gateway ./cmd/gateway

image: setup ## the Asterisk image

setup: ## install what is missing: Docker, Compose, sipp, PostgreSQL, the Asterisk image
	@scripts/setup

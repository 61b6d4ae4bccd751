# A newcomer needs `make demo` and `make test`; both first install what the machine lacks.
GO ?= go
export GO
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo devel)
SHELL := /bin/bash
# The gateway under test has the race detector (integration/harness_test.go). Two tests at a time: more
# load two cores so much that Asterisk's own events and its CEL differ by more than 20 ms.
LIVE := $(GO) test -tags live -count=1 -parallel 2 -timeout 40m

.PHONY: help demo demo-cluster test test-long unit live long kills judge traces reliability lint vuln bench \
	fuzz build image setup bare load observe cluster-faults cluster-random away deb package-test \
	gateway-image

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup build ## make one call through Asterisk and print its CDR's bill beside Risposta's
	@$(GO) run ./integration/demo -gateway bin/risposta

demo-cluster: setup ## run a cluster of 2 PBXs and 2 meters, and kill a meter in the middle of a talk
	@scripts/cluster-images
	@$(GO) run ./integration/democluster

test: setup lint unit live ## run the linters and all tests, also those on a dockerized Asterisk

unit: ## run the tests that need no PBX, with the race detector
	$(GO) test -race -count=1 -timeout 10m ./...

live: setup ## make real SIP calls on a real Asterisk, and show the pages in a real browser
	$(LIVE) -run TestLive ./internal/report ./internal/console ./internal/gateway ./cmd/gateway \
		./internal/delivery ./metering/ledger/postgres
	$(LIVE) -skip 'TestLong|TestObserve|TestPackaged|TestMeasure' ./integration/...

long: setup ## make the calls of the live tests that take longer, but for those of judge and kills
	$(LIVE) -run TestLong -skip '$(JUDGED)|TestLongKilled' ./integration/ ./internal/delivery

away: setup ## make calls around a gateway that restarts and is away for a minute
	$(LIVE) -run TestLiveRestartLosesNoTalk ./integration/ -away 60s

KILLS ?= 300
kills: setup ## kill the gateway KILLS times, at every step of a delivery; needs /dev/fuse
	$(LIVE) -parallel 6 -v -timeout 60m -run TestLongKilledAtEachStepOfADelivery ./integration/ -kills $(KILLS)

observe: setup ## record what Asterisk reports of rare cases; the tests hold docs/asterisk.md
	$(LIVE) -parallel 4 -timeout 30m -run TestObserve ./integration/

test-long: setup ## run the random and the live tests longer, the fault tables and the package
	scripts/test-long

bare: ## run `make demo` and `make test` in a bare Debian 12 container: Go, make, git, nothing else
	scripts/bare

JUDGED = Test(Live|Long)($(SHAPES))
SHAPES = Shapes|MoreShapes|FreePBX|Offerless|DeadPhone|DirectMedia|Conference|Feature|BridgeMusic|Missed|Clock
judge: setup ## compare every shape of call, live: the CEL, our record, Asterisk's CDR
	set -o pipefail; $(LIVE) -v -run '$(JUDGED)' ./integration/ \
		| grep -E '^ +(shape |[a-z0-9-]+ +[0-9.]+ s)|^ *(ok|FAIL|---)'

TRACES ?= /tmp/risposta-traces
RECORDED = -run 'TestLiveRecording|TestLiveOperatorsOutboundCall' ./integration/
traces: setup ## record integration/testdata/traces again, into TRACES; facts.txt is written by hand
	$(LIVE) -parallel 2 $(RECORDED) -record $(TRACES)

RELIABILITY = $(GO) run ./integration/faults -gateway bin/risposta
reliability: build ## measure docs/reliability.md again: ten minutes; needs /dev/fuse
	{ sed '/^| fault /,$$d' docs/reliability.md; $(RELIABILITY) -parallel 8; } \
		> docs/reliability.new && mv docs/reliability.new docs/reliability.md

CLUSTER = $(GO) run ./integration/clusterfaults -gateway bin/risposta -nats bin/nats-server
cluster-faults: setup build bin/nats-server ## measure docs/cluster-faults.md again: five minutes, as root
	{ sed '/^| fault /,$$d' docs/cluster-faults.md; $(CLUSTER); } \
		> docs/cluster-faults.new && mv docs/cluster-faults.new docs/cluster-faults.md

RUNS ?= 200
cluster-random: setup build bin/nats-server ## run a cluster RUNS times, with three random faults each
	$(CLUSTER) -random $(RUNS) -parallel 10

bin/nats-server: tools/nats.mod
	$(GO) build -modfile=tools/nats.mod -o $@ github.com/nats-io/nats-server/v2

load: setup build ## call a real Asterisk at a steady rate: every record against its CEL
	@$(GO) run ./integration/load -gateway bin/risposta

lint: ## run golangci-lint, with go vet in it
	$(GO) tool -modfile=tools/go.mod golangci-lint run --build-tags live ./...

vuln: ## look for known vulnerabilities in the dependencies; needs the vulnerability database
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

bench: build ## measure the figures of docs/performance.md
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) run ./integration/played -gateway bin/risposta
	$(GO) run ./integration/played -gateway bin/risposta -rates 1500 -for 1m

FUZZTIME ?= 30s
fuzz: ## run the fuzz targets, one after the other, FUZZTIME each
	@grep -rEo --include='*_test.go' '^func Fuzz\w+' . | sort | while IFS=: read -r file target; do \
	  (set -x; $(GO) test -run '^$$' -fuzz "^$${target#func }\$$" -fuzztime $(FUZZTIME) "$${file%/*}") || exit 1; \
	done

build: ## build the gateway into bin/
	$(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/risposta ./cmd/gateway

deb: ## build the Debian package into bin/
	scripts/deb bin

PACKAGED = $(GO) test -tags live -count=1 -v -timeout 30m ./integration/packaged/
package-test: setup ## install the package in clean Debian containers: the quick start, upgrade, purge
	scripts/packaged-images
	set -o pipefail; $(PACKAGED)

gateway-image: ## build the container image of the gateway
	scripts/gateway-image

image: setup ## build the Asterisk image

setup: ## install what is missing: gcc, Docker, sipp, baresip, PostgreSQL, promtool, Chromium, image
	@scripts/setup

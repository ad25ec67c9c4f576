# make run      Rumbl on http://localhost:4000
# make cluster  three nodes of Rumbl there, on one PostgreSQL: kill one and watch
# make test     all that must pass; what it needs is installed on Debian as root, and named elsewhere
#
# The parts of test: lint, test-go (with transcripts), fuzz, node, browser. Further: soak, bench, vuln.

export GOTOOLCHAIN := auto

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := test
.PHONY: run cluster test lint test-go transcripts fuzz node browser soak bench vuln

GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
FUZZTIME := 3s

# A tool that is run by its version is built with the Go that it asks for, unless told: it must be ours, to know its language.
TOOL = GOTOOLCHAIN=$$(go env GOVERSION) go run
EACH_MODULE = folders=$$(go list -m -f '{{.Dir}}'); for folder in $$folders; do cd $$folder
ALL_PACKAGES = patterns=$$(go list -m -f '{{.Path}}/...')

# What tests of several nodes make their networks with, and put in front of them, where they run.
NETWORK := $(if $(filter Linux,$(shell uname)),need-iproute2 need-nftables need-nginx need-caddy)

run: need-go
	go run ./examples/rumbl

cluster: need-go need-postgresql
	@go build -o bin/ ./examples/rumbl ./examples/rumbl/cluster
	@bin/cluster bin/rumbl

test: lint test-go fuzz node browser
	@echo "All tests passed."

lint: need-go
	@failed=; $(EACH_MODULE); \
		echo "lint $$folder"; \
		$(TOOL) $(GOLANGCI_LINT) run ./... || failed=yes; \
		go mod tidy -diff || failed=yes; \
	done; [[ -z $$failed ]]
	@cd examples/rumbl/live && go run github.com/roost-dev/roost/cmd/roost contract \
		-check contract.json -verify -ts ../web/assets/contract.ts
	@go run ./cmd/roost contract -verify -ts docs/guides/contracts/contract.ts ./docs/guides/contracts

test-go: need-go need-cc need-postgresql need-nats-server need-redis-server $(NETWORK) client/ts/node_modules test/node_modules
	@$(ALL_PACKAGES); go test -race -timeout 5m $$patterns

transcripts: need-go need-cc
	cd internal/conformance && go test -race -count=1 . ./replay

# Each target for FUZZTIME, beginning with the inputs that are kept in testdata.
fuzz: need-go
	@log=$$(mktemp); trap 'rm -f $$log' EXIT; \
	for folder in $$(grep -rl --include='*_test.go' --exclude-dir=node_modules '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		found=$$(go test -list '^Fuzz' $$folder); \
		for target in $$(grep '^Fuzz' <<<"$$found"); do \
			echo "fuzz $$folder $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$folder >$$log 2>&1 || { cat $$log; exit 1; }; \
		done; \
	done

node: need-go need-cc client/ts/node_modules test/node_modules
	client/ts/node_modules/.bin/tsc -p examples/rumbl/web/assets
	client/ts/node_modules/.bin/tsc -p docs/guides
	client/ts/node_modules/.bin/tsc -p docs/guides/tutorial/rumbl
	cd test && NODE_OPTIONS=--test-reporter=spec node with-conformance.js npm test --prefix ../client/ts
	npm run --prefix test phoenix-js
	npm run --prefix test client-ts

# Leaves pictures of the pages in artifacts/.
browser: need-go need-cc need-chromium need-postgresql client/ts/node_modules test/node_modules
	npm run --prefix test browser

# The long forms, for about three quarters of an hour, with figures.
soak: export ROOST_SOAK := 1
soak: need-go need-cc need-postgresql need-nats-server need-redis-server need-chromium $(NETWORK) client/ts/node_modules test/node_modules
	@$(ALL_PACKAGES); go test -race -count=5 -timeout 30m $$(go list $$patterns | grep -v /conformance/torture)
	@go test -race -count=1 -timeout 30m -v ./internal/conformance/torture
	@$(MAKE) fuzz FUZZTIME=1m
	@npm run --prefix test soak
	@for n in {1..10}; do npm run --prefix test browser; done
	@PROGRAM_FLAGS=-no-poller $(MAKE) node browser # the other way of carrying a connection

# Linux only: needs a machine that does nothing else. The figures for one function are behind `go test -bench`.
bench: need-go
	@go build -o bin/ ./cmd/roost ./internal/conformance
	@bin/roost bench set -exec 'bin/conformance -addr 127.0.0.1:0' -admin /admin

# Asks the Go vulnerability database. Not a part of test, which must pass where that cannot be reached.
vuln: need-go
	@$(EACH_MODULE); $(TOOL) $(GOVULNCHECK) ./...; done

client/ts/node_modules test/node_modules: %/node_modules: %/package.json %/package-lock.json | need-node
	@npm ci --prefix $* --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: need-go need-cc need-node need-chromium need-postgresql need-nats-server need-redis-server need-iproute2 need-nftables need-nginx need-caddy
need-go need-cc need-node need-chromium need-postgresql need-nats-server need-redis-server need-iproute2 need-nftables need-nginx need-caddy: need-%:
	@tools/need $*

# podreach. `make` alone lists the targets.

GO       ?= go
FUZZTIME ?= 10s
BENCH    ?= .
COUNT    ?= 1
MUTANTS  ?= 300
SEED     ?= 1
DURATION ?= 10m

GOLANGCI_LINT_VERSION := v2.15.0
# kapi and kubectl say this version; a server without one is refused by clients.
KUBERNETES_VERSION = $(shell sed -n 's/^.*k8s.io\/kubernetes v//p' fuzz/apiserver/go.mod)
KUBERNETES_LDFLAGS = -s -w $(foreach p,k8s.io/component-base/version k8s.io/client-go/pkg/version,\
  -X $(p).gitVersion=v$(KUBERNETES_VERSION) -X $(p).gitMajor=$(word 1,$(subst ., ,$(KUBERNETES_VERSION))) -X $(p).gitMinor=$(word 2,$(subst ., ,$(KUBERNETES_VERSION))))
GOLANGCI_LINT := bin/golangci-lint-$(GOLANGCI_LINT_VERSION)

.DEFAULT_GOAL := help
.PHONY: help build install test lint fmt vet race fuzz soak mutate mutate-cluster bench dashboard versus cover peers kapi live

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r target text; do printf '%-16s %s\n' "$$target" "$$text"; done

build: ## build bin/podreach
	$(GO) build -o bin/podreach ./cmd/podreach

install: ## install podreach into Go's bin folder
	$(GO) install ./cmd/podreach

test: ## run all tests
	$(GO) test ./...
	cd bench/dashboard && $(GO) test .

lint: $(GOLANGCI_LINT) ## run golangci-lint (the first time it is built: about 3 minutes)
	$(GOLANGCI_LINT) run ./...
	cd bench/dashboard && $(CURDIR)/$(GOLANGCI_LINT) run ./...

fmt: $(GOLANGCI_LINT) ## format the code as lint wants it
	$(GOLANGCI_LINT) fmt ./...

vet: ## run go vet
	$(GO) vet ./...

race: ## run the tests with the race detector, the long ones shortened
	$(GO) test -race -short ./...

fuzz: ## run every fuzz target for FUZZTIME (10s)
	@mkdir -p bin; set -e; packages=$$($(GO) list -f '{{.ImportPath}} {{.Dir}}' ./...); echo "$$packages" | while read -r package folder; do \
	  for target in $$(cat /dev/null "$$folder"/*_test.go 2>/dev/null | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p'); do \
	    echo "fuzz $$package $$target"; \
	    for try in 1 2 3; do \
	      status=0; $(GO) test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=20x "$$package" </dev/null >bin/fuzz.log 2>&1 || status=$$?; \
	      cat bin/fuzz.log; \
	      if [ $$status -eq 0 ]; then break; fi; \
	      if [ $$try -eq 3 ] || grep -q 'Failing input' bin/fuzz.log || ! grep -q '^    context deadline exceeded$$' bin/fuzz.log; then exit $$status; fi; \
	      echo "fuzz: once more, Go has tripped over the end of -fuzztime itself (golang.org/issue/75804, mended in Go 1.27)"; \
	    done; \
	  done; \
	done

soak: ## compare on new clusters for DURATION (10m) and note what was compared in fuzz/soak/results.jsonl
	$(GO) run ./fuzz/soak -for $(DURATION)

mutate: ## make MUTANTS (300) small mistakes of SEED (1), and see that tests notice them
	$(GO) run ./internal/mutate -n $(MUTANTS) -seed $(SEED)

mutate-cluster: ## the same of the package that makes snapshots of objects, 40 of seed 7
	$(GO) run ./internal/mutate -packages model/cluster -n 40 -seed 7

bench: ## run the suite of bench/ (12 minutes), or what of it matches BENCH, COUNT times (1)
	$(GO) test -run='^$$' -bench='$(BENCH)' -benchmem -count=$(COUNT) -timeout=1h ./bench

dashboard: ## run the benchmarks and write bin/dashboard.html, .json and .prom (COUNT=6 and more finds regressions)
	@mkdir -p bin
	cd bench/dashboard && $(GO) build -o $(CURDIR)/bin/dashboard .
	bin/dashboard -bench '$(BENCH)' -count $(COUNT)

versus: ## podreach and its peers side by side: answers, then times (5 minutes; the first time more, to build them)
	@mkdir -p bin
	$(GO) -C bench/peers run . -o $(CURDIR)/bin/versus.md

cover: ## write bin/cover.out: statements that the tests of any package reach
	@mkdir -p bin
	$(GO) test -coverpkg=./... -coverprofile=bin/cover.out ./...
	$(GO) tool cover -func=bin/cover.out | tail -n 1

peers: ## compare with other implementations (the first time some minutes, to build them)
	cd fuzz/cyclonus && $(GO) test ./...
	cd fuzz/cilium && $(GO) test ./...
	cd fuzz/apiserver && $(GO) test ./accept
	cd bench/peers && $(GO) test ./...

kapi: bin/kapi bin/kubectl ## build bin/kapi, a real API server, and bin/kubectl (the first time about 6 minutes)

live: kapi ## run podreach against a real API server (a minute)
	cd fuzz/apiserver && $(GO) test -count=1 .

bin/kapi: fuzz/apiserver/go.mod fuzz/apiserver/kapi/main.go
	cd fuzz/apiserver && $(GO) build -ldflags '$(KUBERNETES_LDFLAGS)' -o $(CURDIR)/$@ ./kapi

bin/kubectl: fuzz/apiserver/go.mod
	cd fuzz/apiserver && $(GO) build -ldflags '$(KUBERNETES_LDFLAGS)' -o $(CURDIR)/$@ k8s.io/kubernetes/cmd/kubectl

$(GOLANGCI_LINT):
	@mkdir -p bin
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv bin/golangci-lint $@

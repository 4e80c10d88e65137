# `make` lists what there is. Each target sets up and builds what it needs.

CONNTRAIL := node dist/cli/main.js
MACHINE   := $(shell uname -m)
NODE_ROOT := $(shell dirname $$(dirname $$(readlink -f $$(command -v node)) 2>/dev/null) 2>/dev/null)
RESULTS   := build/test-results.json

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup packages build bpf typescript layout run test test-kernels bench bench-guest bench-setup lint clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

# --- setup: what is missing and nothing else

# bpftool, for the tests: Ubuntu has it in another package.
BPFTOOL  := $(if $(shell grep -x 'ID=ubuntu' /etc/os-release 2>/dev/null),linux-tools-common,bpftool)
PACKAGES := clang llvm libbpf-dev libbpf1 libpcap0.8 libzstd-dev gcc g++ make python3 libc6-dev \
	busybox-static erofs-utils cpio kmod xz-utils zstd \
	debian-archive-keyring conntrack nftables iptables iproute2 iputils-ping ipvsadm socat tcpdump util-linux $(BPFTOOL) \
	netcat-openbsd iperf3 ethtool procps libmnl-dev libnetfilter-conntrack-dev \
	qemu-system-common $(if $(filter aarch64,$(MACHINE)),qemu-system-arm,qemu-system-x86)

setup: packages node_modules/.package-lock.json ## install what is missing: Debian packages, npm packages

packages:
	@missing=$$(for package in $(PACKAGES); do \
		dpkg-query -W -f '$${Status}\n' $$package 2>/dev/null | grep -q ' installed$$' || echo $$package; \
	done); \
	[ -z "$$missing" ] && exit 0; \
	command -v apt-get >/dev/null || { echo "no apt-get here: install the like of" $$missing; exit 1; }; \
	[ "$$(id -u)" = 0 ] || { echo "not root: sudo apt-get install" $$missing; exit 1; }; \
	export DEBIAN_FRONTEND=noninteractive; \
	apt-get update -q && apt-get install -q -y --no-install-recommends $$missing

# The FFI package is compiled: with node's own headers where they are installed beside it.
node_modules/.package-lock.json: package-lock.json | packages
	@node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' || \
		{ echo "found node $$(node -v), needed 20 or newer"; exit 1; }
	$(if $(wildcard $(NODE_ROOT)/include/node/node.h),npm_config_nodedir=$(NODE_ROOT)) npm ci --no-audit --no-fund
	@touch $@

# --- build

build: bpf native typescript build/lab-queue ## compile the probes, the shim and the program

# Runs in scenarios alone: what answers for a queue of NFQUEUE.
build/lab-queue: src/lab/guest/queue.c | packages
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror $< -o $@.$$$$.part && mv $@.$$$$.part $@

BPF_ARCH  := $(if $(filter aarch64,$(MACHINE)),arm64,x86)
BPF_FLAGS := -g -O2 -Wall -Werror -fno-strict-aliasing -target bpf -D__TARGET_ARCH_$(BPF_ARCH) \
	-I/usr/include/$(MACHINE)-linux-gnu -Ibpf

bpf: build/fentry.bpf.o build/kprobe.bpf.o build/layout.bpf.o

# fentry.bpf.c takes halves of typed pointers: that needs 32-bit instructions.
BPF_CPU := v2
build/fentry.bpf.o: BPF_CPU := v3

build/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h) | packages
	@mkdir -p $(@D)
	clang $(BPF_FLAGS) -mcpu=$(BPF_CPU) -c $< -o $@
	llvm-strip -g $@

typescript: dist/cli/main.js

dist/cli/main.js: $(shell find src -name '*.ts') tsconfig.json tsconfig.build.json node_modules/.package-lock.json
	npm run --silent build
	@chmod +x $@ && touch $@

layout: build/layout.bpf.o typescript
	node dist/cli/write-layout.js build/layout.bpf.o src/wire/layout.ts

include native/native.mk
include test/bench/native/native.mk

build/libconntrail.so: | packages

# --- use

run: setup build ## trace the tour scenario: here if this kernel lets us, else in a virtual machine
	@modprobe -q nf_conntrack 2>/dev/null; \
	if $(CONNTRAIL) doctor --json >/dev/null; \
	then echo "this kernel can be traced: the tour runs here"; $(CONNTRAIL) lab --here --scenario tour; \
	else echo "no tracing here (see: npx conntrail doctor): the tour runs in a virtual machine"; \
		$(CONNTRAIL) lab --scenario tour; \
	fi

test: setup build lint native-test ## linter, C tests, unit tests, policy, and real kernels in virtual machines
	@rm -f $(RESULTS)
	npx vitest run --reporter=default --reporter=./test/run/last-words.ts \
		--reporter=./test/run/kernel-results.ts --reporter=json --outputFile.json=$(RESULTS)

test-kernels: setup build ## every kernel test on every kernel, and docs/kernels.md of what came out (hours)
	CONNTRAIL_KERNELS=$(or $(KERNELS),all) npx vitest run --project kernel

bench: bench-setup build bench-native ## records per second, and what tracing costs in virtual machines
	npm run --silent bench:user
	npm run --silent bench:scale
	npm run --silent bench:explain
	npm run --silent bench:guest

bench-guest: bench-setup build bench-native ## the second half alone: guest instructions per packet
	npm run --silent bench:guest

bench-setup: setup
	@$(MAKE) --no-print-directory packages PACKAGES=bpftrace

lint: setup ## types, linter, formatter
	npm run --silent check

clean: ## remove what was built; npm packages and downloaded kernels stay
	rm -rf build dist

# SPDX-License-Identifier: Apache-2.0
# A thin front of Meson. Every target sets up what it needs; a second run re-does nothing.
#
#   make            build everything            make check      all tests
#   make demo       find and repair, live       make check SANITIZE=1   under ASan and UBSan
#                   (BENCH=kernel: in a QEMU guest, on the kernel's datapath)
#   make bench      performance                 make fuzz       RUNS=1000000 a target, KEEP=1 keeps
#   make bench-fleet  the fleet's database with HOSTS='250 500 1000 2000' agents
#   make soak-proof the prover against SEEDS=300 random pipelines, PACKETS=10000 for each
#   make soak-agent the agent among FAULTS=500 random faults from SEED, killed at each of its steps, rebooted
#   make deb        Debian packages of what is committed, in build-deb/
#   make check-deb  installs, upgrades and removes these in a clean root (debootstrap) beside a lab, and builds them
#                   a second time: the same bytes; as root
#   make install    PREFIX, DESTDIR             make format     clang-format what is ours
#   make check-cost the tests of what it costs to read and to idle, in QEMU guests
#   make check-bench the benches' own tests
#   make clean      build folders               make distclean  and libopenvswitch
#
# BUILD=build-NAME builds in a folder of its own; TESTS='NAME...' limits `make check`.

PREFIX ?= /usr/local
DESTDIR ?=
PYTHON ?= /usr/bin/python3
RUNS ?= 1000000
TESTS ?=
CLANG_FORMAT ?= clang-format-14

BUILD ?= build
MESON_OPTIONS = -Dprefix=$(PREFIX)
ifdef SANITIZE
override BUILD := $(BUILD)-asan
MESON_OPTIONS += -Db_sanitize=address,undefined
endif
ifdef FLOWLIFT_DEPS
MESON_OPTIONS += -Dopenvswitch=$(FLOWLIFT_DEPS)/openvswitch
endif
ifeq ($(CI),true)
MESON_OPTIONS += -Dwerror=true
endif

C_FILES = find flows lib agent cli tests -name '*.[ch]'

.DEFAULT_GOAL := all
.PHONY: all setup setup-bench demo check check-bench check-cost bench bench-fleet soak-proof soak-agent fuzz deb check-deb install format \
    clean distclean
.NOTPARALLEL:

# Meson is only asked again when its options, or the libraries of the bench, are not as last time.
all: setup
	@now="$(MESON_OPTIONS) bench: $$(pkg-config --modversion libdpdk 2>/dev/null)"; \
	if ! [ -f $(BUILD)/build.ninja ]; then \
	    meson setup $(BUILD) $(MESON_OPTIONS) || exit 1; \
	elif [ "$$now" != "$$(cat $(BUILD)/.options 2>/dev/null)" ]; then \
	    meson setup --reconfigure $(BUILD) $(MESON_OPTIONS) || exit 1; \
	fi; \
	echo "$$now" >$(BUILD)/.options
	@ninja -C $(BUILD) --quiet

setup:
	@tools/setup build

setup-bench:
	@tools/setup test
	@tests/bench/setup
	@tests/bench/kernel/setup

demo: setup-bench all
	@FLOWLIFT_BUILD=$(abspath $(BUILD)) tests/bench/$(if $(filter kernel,$(BENCH)),kernel/)demo

# The tests that fail are shown by summary.py, whose last line is the count. What the benches themselves promise
# to the tests that stand on them is for whoever changes them: check-bench.
check-bench: TESTS = --suite selftest
check-cost: TESTS = --suite cost
check check-bench check-cost: setup-bench all
	@rm -f $(BUILD)/meson-logs/testlog.json; \
	meson test -C $(BUILD) --no-rebuild $(TESTS); status=$$?; \
	$(PYTHON) tests/summary.py --meson-status $$status $(BUILD)/meson-logs/testlog.json

bench: setup-bench all
	@FLOWLIFT_BUILD=$(abspath $(BUILD)) \
	    $(PYTHON) tests/perf/$(if $(filter kernel,$(BENCH)),kernel-)bench

bench-fleet: setup-bench all
	@FLOWLIFT_BUILD=$(abspath $(BUILD)) $(PYTHON) -B tests/fleet/fleet-bench $(HOSTS)

# The same tests as in `make check`, for longer: SEEDS pipelines, PACKETS of each plan, MUTATIONS.
soak-proof: setup-bench all
	@for test in soundness sensitivity refusals; do \
	    FLOWLIFT_BUILD=$(abspath $(BUILD)) SEEDS=$(or $(SEEDS),300) PACKETS=$(or $(PACKETS),10000) \
	        MUTATIONS=$(or $(MUTATIONS),200) $(PYTHON) -B tests/proof/$$test.py || exit 1; \
	done

# The first two are in `make check`, for shorter. A failure says with which SEED, FIRST and FAULTS it comes again.
soak-agent: setup-bench all
	@export FLOWLIFT_BUILD=$(abspath $(BUILD)); \
	export SEED=$(or $(SEED),$$(date +%s)) FAULTS=$(or $(FAULTS),500); \
	$(PYTHON) -B tests/integration/soak_agent.py && \
	    KILLS=all $(PYTHON) -B tests/integration/killed_agent.py && \
	    $(PYTHON) -B tests/kernel/reboot.py

fuzz:
	@tools/setup build fuzz
	@RUNS=$(RUNS) KEEP=$(KEEP) tools/fuzz $(TESTS)

deb:
	@tools/setup deb
	@tools/deb build-deb

check-deb: setup-bench all
	@tools/setup deb
	@[ "$$(cat build-deb/commit 2>/dev/null)" = "$$(git rev-parse HEAD)" ] || tools/deb build-deb
	@FLOWLIFT_BUILD=$(abspath $(BUILD)) $(PYTHON) -B tests/packages.py build-deb
	@$(PYTHON) -B tests/reproducible.py build-deb

install: all
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild

format:
	@tools/setup build
	@$(C_FILES) -print0 | xargs -0 -r $(CLANG_FORMAT) -i

clean:
	rm -rf build build-asan build-fuzz build-deb

distclean: clean
	rm -rf .deps

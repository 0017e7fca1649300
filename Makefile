# SPDX-License-Identifier: Apache-2.0
# A thin front for meson. `make run` and `make test` do all their own set-up on Debian as root.

BUILD ?= build
PREFIX ?= /usr
ARGS ?=
folders = -Dprefix=$(PREFIX) -Dlibdir=lib -Dsysconfdir=/etc

# A root shell of a plain `su` lacks them, and apt-get, kamailio and nft need them.
export PATH := $(PATH):/usr/sbin:/sbin

.PHONY: all run test bench fuzz check-format format install clean packages
all: packages $(BUILD)/build.ninja
	@ninja -C $(BUILD) mediaferry mediaferryctl

packages:
	@tests/support/packages.sh build

$(BUILD)/build.ninja: | packages
	@meson setup $(BUILD) --buildtype=release -Dtests=false $(folders)

# The relay on its built-in defaults: no configuration file, no Redis. ARGS="--interface=..." adds options.
run: all
	@exec $(BUILD)/mediaferry --config-file=none $(ARGS)

# Everything: unit, fuzz replay, system and end-to-end tests. SUITE="unit system" picks some.
test:
	@tests/support/packages.sh build test
	@/usr/bin/python3 tests/run.py $(SUITE)

# mediaferry beside rtpengine and coturn, fifteen minutes; ARGS="--quick" takes two, ARGS=--help tells the rest.
bench: all
	@tests/support/packages.sh bench
	@ninja -C $(BUILD) tests/bench/load/mediaferry-load
	@tests/bench/mediaferry-bench --mediaferry=$(BUILD)/mediaferry $(ARGS)

# Each fuzz target for SECONDS_EACH seconds (default 60), with libFuzzer.
fuzz:
	@tests/support/packages.sh build test
	@tests/fuzz/run.sh

check-format: packages
	@tests/check/format.sh

format: packages
	@tests/check/format.sh -i

# PREFIX is said again: the build may have been set up by `make run`.
install: all
	@meson configure $(BUILD) $(folders)
	@meson install -C $(BUILD)

clean:
	@rm -rf $(BUILD) build-asan build-tsan build-clang build-fuzz

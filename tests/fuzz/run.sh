#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzz target with libFuzzer for SECONDS_EACH seconds (default 60); TARGETS picks some by name.
# New inputs stay in build-fuzz/; a finding stops the run and its input is printed.
set -eu
cd "$(dirname "$0")/../.."
seconds=${SECONDS_EACH:-60}
[ -f build-fuzz/build.ninja ] ||
    CC=clang meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined --buildtype=debugoptimized >/dev/null
ninja -C build-fuzz >/dev/null
for program in build-fuzz/tests/fuzz/fuzz_*; do
    [ -f "$program" ] && [ -x "$program" ] || continue
    name=${program##*/fuzz_}
    case " ${TARGETS:-$name} " in *" $name "*) ;; *) continue ;; esac
    mkdir -p "build-fuzz/corpus/$name"
    echo "fuzz $name for ${seconds}s"
    "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
        -artifact_prefix="build-fuzz/crash-$name-" "build-fuzz/corpus/$name" "tests/fuzz/corpus/$name"
done
echo "no finding"

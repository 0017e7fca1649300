#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tells which C files clang-format would change; with -i it changes them.
set -eu
cd "$(dirname "$0")/../.."
files=$(find src include tests -name '*.[ch]' -not -path '*/node_modules/*')
if [ "${1:-}" = -i ]; then
    # shellcheck disable=SC2086
    exec clang-format -i $files
fi
# shellcheck disable=SC2086
clang-format --dry-run --Werror $files

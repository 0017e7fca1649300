#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Meson runs it at `install` with the folder for the configuration file. A file that is there already is
# the administrator's and stays.
set -eu
target="${DESTDIR:-}$1/mediaferry.conf"
[ -e "$target" ] || install -D -m 644 "$MESON_SOURCE_ROOT/config/mediaferry.conf" "$target"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the npm packages of the browser phone and bundles its page. Does nothing, and fast,
# when both are up to date.
set -eu
cd "$(dirname "$0")/browser"

installed=node_modules/.installed-lock
if ! cmp -s package-lock.json "$installed"; then
    npm ci --ignore-scripts --no-progress
    cp package-lock.json "$installed"
fi

bundle=dist/app.js
if [ ! -e "$bundle" ] || [ -n "$(find app.js ear.js stats.js package.json "$installed" -newer "$bundle")" ]; then
    npm run --silent build
fi

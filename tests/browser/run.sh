#!/usr/bin/env bash
# Drives the real demo in Chromium through every role's journey. Options: see journeys.py --help.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools="${GAUZE_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gauze/tools}"
GAUZE_TEST_TOOLS="$tools" bash scripts/tools.sh >/dev/null
export GAUZE_BIN="${GAUZE_BIN:-${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/gauze/target}/release/gauze}"
exec "$tools/venv/bin/python" tests/browser/journeys.py "$@"

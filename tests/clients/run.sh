#!/usr/bin/env bash
# The running binary from outside: DCMTK, pydicom, curl, HTTP, the disk, signals. With arguments: only these parts.
# Needs `scripts/tools.sh` and nothing built before.
set -euo pipefail
cd "$(dirname "$0")"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/gauze/target}"
tools="${GAUZE_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gauze/tools}"
# The selection of scripts/test.sh: another one has other features and compiles the dependencies anew.
cargo build --locked --release -q --workspace --all-targets
PYTHONDONTWRITEBYTECODE=1 exec "$tools/venv/bin/python" main.py "$@"

#!/usr/bin/env bash
# The running binary from outside: DCMTK, pydicom, curl, HTTP, the disk, signals. With arguments: only these parts.
# Needs `scripts/tools.sh` and `cargo build --release -p app` before.
set -euo pipefail
cd "$(dirname "$0")"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/gauze/target}"
tools="${GAUZE_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gauze/tools}"
cargo build --locked --release -q -p app --bin gauze --example unmasked
PYTHONDONTWRITEBYTECODE=1 exec "$tools/venv/bin/python" main.py "$@"

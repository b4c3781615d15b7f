#!/usr/bin/env bash
# Gauze beside Orthanc: fresh stores, one run. The result is a table on standard output and in $BENCH/result.json.
# BENCH (default .bench in the clone) chooses the disk; the stores on it are removed afterwards. Needs 3 GB and, for the
# first time, root to install Debian's Orthanc, its DICOMweb plug-in and strace.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/gauze/target}"
BENCH="${BENCH:-.bench}"
GAUZE_TEST_TOOLS="${GAUZE_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gauze/tools}"
plugin=/usr/share/orthanc/plugins/libOrthancDicomWeb.so

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
command -v Orthanc >/dev/null 2>&1 || missing+=(orthanc)
[ -e "$plugin" ] || missing+=(orthanc-dicomweb)
command -v strace >/dev/null 2>&1 || missing+=(strace)
command -v python3 >/dev/null 2>&1 || missing+=(python3)
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing ${missing[*]}" >&2
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  # The package starts a server of its own; the bench has its own, on other ports.
  if [[ " ${missing[*]} " == *" orthanc "* ]] && [ -d /run/systemd/system ]; then
    as_root systemctl disable --now orthanc
  fi
fi
python="$GAUZE_TEST_TOOLS/venv/bin/python"
if ! "$python" -c 'import PIL, numpy' 2>/dev/null; then
  mkdir -p "$GAUZE_TEST_TOOLS"
  python3 -m venv "$GAUZE_TEST_TOOLS/venv"
  "$GAUZE_TEST_TOOLS/venv/bin/pip" install -q --disable-pip-version-check -r scripts/requirements.txt
fi

mkdir -p "$BENCH"
"$python" tests/bench/side_by_side.py --gauze "$target/release/gauze" --folder "$BENCH/run.$$" --out "$BENCH/result.json" "$@"
"$python" tests/bench/table.py "$BENCH/result.json"

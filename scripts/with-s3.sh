#!/usr/bin/env bash
# Runs a command beside an own S3 server (moto's, from PyPI) on a free loopback port, ended afterwards.
# Usage: scripts/with-s3.sh COMMAND [ARGUMENT…]; the command finds a bucket's URL in SLIPWAY_TEST_BUCKET, and the server in the AWS_… variables.
set -euo pipefail
(($#)) || { echo "usage: $0 COMMAND [ARGUMENT…]" >&2; exit 2; }

# The packages are kept between runs.
venv=${SLIPWAY_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/slipway-tests}/moto-5
if ! [[ -e $venv/ready ]]; then
  echo "installing moto's S3 server from PyPI"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check 'moto[s3]>=5,<6' flask flask-cors
  touch "$venv/ready"
fi

folder=$(mktemp -d /tmp/slipway-s3.XXXXXX)
server=
finish() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$venv/bin/python" -m moto.server -H 127.0.0.1 -p "$port" >"$folder/log" 2>&1 &
server=$!
export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ALLOW_HTTP=true AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
for _ in {1..150}; do
  ! curl -fsS -X PUT "$AWS_ENDPOINT_URL/slipway" >/dev/null 2>&1 || break
  kill -0 "$server" 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
  sleep 0.2
done
echo "moto's S3 server on 127.0.0.1:$port"
SLIPWAY_TEST_BUCKET=s3://slipway/artifacts "$@"

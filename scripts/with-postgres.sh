#!/usr/bin/env bash
# Runs a command beside an own PostgreSQL cluster, made in a temporary folder on a free loopback port and removed afterwards.
# Usage: scripts/with-postgres.sh [--durable] COMMAND [ARGUMENT…]; the command finds its address in SLIPWAY_TEST_DATABASE_URL.
# Without --durable nothing survives a crash of the machine, which makes tests quick; benchmarks want it.
set -euo pipefail
durability="-F -c full_page_writes=off -c synchronous_commit=off"
if [[ ${1:-} == --durable ]]; then
  durability="-c fsync=on -c synchronous_commit=on"
  shift
fi
(($#)) || { echo "usage: $0 [--durable] COMMAND [ARGUMENT…]" >&2; exit 2; }

bin=$(dirname "$(readlink -f "$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -1)")")
[[ -x $bin/initdb ]] || { echo "PostgreSQL's server was not found: apt-get install postgresql" >&2; exit 1; }

folder=$(mktemp -d /tmp/slipway-postgres.XXXXXX)
# PostgreSQL refuses to run as root.
as=()
if ((EUID == 0)); then
  chown postgres: "$folder"
  as=(runuser -u postgres --)
fi
finish() {
  cd /
  "${as[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
home=$PWD
cd /
"${as[@]}" "$bin/initdb" -D "$folder/data" -A trust -U slipway --encoding=UTF8 --locale=C --no-sync >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$folder/data" -w -t 60 -l "$folder/log" \
  -o "-c listen_addresses=127.0.0.1 -p $port -k $folder -c max_connections=300 $durability" start >/dev/null
"${as[@]}" "$bin/createdb" -h 127.0.0.1 -p "$port" -U slipway slipway
cd "$home"
echo "PostgreSQL $("$bin/postgres" --version | cut -d' ' -f3) on 127.0.0.1:$port"
SLIPWAY_TEST_DATABASE_URL="postgres://slipway@127.0.0.1:$port/slipway" "$@"

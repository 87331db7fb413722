#!/usr/bin/env bash
# Tries out what the image holds, without Docker: the same folder as root, read-only, as the image's user without any privilege, with /data and /tmp alone
# writable. It must start, be ready, serve pages and their files, keep its data, and stay small.
# Usage: deploy/check-image.sh [PROGRAM]; needs root, for mounts of its own. PROGRAM is the release build where none is given.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${1:-$(cargo metadata --no-deps --format-version 1 | grep -oE '"target_directory":"[^"]+' | cut -d'"' -f4)/release/slipway}
[[ -x $program ]] || { echo "$program is not there: make build" >&2; exit 1; }
((EUID == 0)) || { echo "checking the image needs root, for mounts of its own" >&2; exit 1; }
# In bytes, as it is pulled.
MOST=$((60 * 1000 * 1000))

started=$EPOCHREALTIME passed=0 failed=0 server=
folder=$(mktemp -d /tmp/slipway-image.XXXXXX)
finish() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  [[ -z $server ]] || wait "$server" 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

expect() { # WHAT COMMAND…
  local what=$1
  shift
  if "$@" >"$folder/said" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $what"
  else
    failed=$((failed + 1))
    echo "FAILED  $what"
    tail -n 20 "$folder/said" "$folder/log" || true
  fi
}

deploy/image/root.sh "$program" "$folder/root"
# What a container's runtime puts there.
cp /etc/hosts /etc/resolv.conf "$folder/root/etc/"
mkdir "$folder/volume"
chown 0:65532 "$folder/volume"
chmod 2770 "$folder/volume" # as Kubernetes hands out a volume with fsGroup

# shellcheck disable=SC2016
MOUNTS='
  mount --bind "$1" "$1" && mount --bind "$2" "$1/data" && mount -t tmpfs -o mode=1777 tmp "$1/tmp" && mount -t proc proc "$1/proc" &&
  mount -o remount,bind,ro "$1" && root=$1 && shift 2 &&
  exec setpriv --no-new-privs unshare --root="$root" --wd=/ --setuid=65532 --setgid=65532 -- "$@"'
inside() { # COMMAND…; in mounts of its own, which go with it
  env -i PATH=/usr/bin SLIPWAY_DATA=/data/slipway SLIPWAY_LISTEN=127.0.0.1:0 SLIPWAY_LOG_FORMAT=json \
    unshare --mount --pid --fork --kill-child -- bash -c "PATH=/usr/sbin:/usr/bin:/sbin:/bin; $MOUNTS" bash "$folder/root" "$folder/volume" "$@"
}
within() { # SECONDS COMMAND…
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    kill -0 "$server" || return 1
    sleep 0.2
  done
}
url() { grep -oE 'http://localhost:[0-9]+' "$folder/out" | head -n 1; }
answers() { [[ $(curl -sS --max-time 5 "$(url)$1") == "$2" ]]; }
page() { curl -sS --max-time 10 "$(url)/setup" | grep -q '<h1'; }
served() {
  local file
  file=$(curl -sS --max-time 10 "$(url)/setup" | grep -oE '/pkg/[^"]+\.css' | head -n 1)
  [[ -n $file ]] && curl -fsS --max-time 10 --output /dev/null "$(url)$file"
}
# Below the shell in the background there is unshare, and below that the portal.
portal() { pgrep --parent "$(pgrep --parent "$server")"; }
process() { grep -E "$1" "/proc/$(portal)/status"; }
refuses() { ! inside /usr/bin/slipway backup /portal.backup && ! [[ -e $folder/root/portal.backup ]]; }
copies() { inside /usr/bin/slipway backup /data/portal.backup && [[ -s $folder/volume/portal.backup ]]; }
# Nobody answers there, which is known only once the name is.
names() {
  local said
  said=$(inside /usr/bin/slipway --database postgres://a:b@localhost:1/c check 2>&1 || true)
  grep -q 'The database cannot be opened' <<<"$said" && ! grep -q 'lookup' <<<"$said"
}
small() {
  packed=$(tar --create --directory "$folder/root" --sort=name --owner=0 --group=0 . | gzip -6 | wc -c)
  ((packed < MOST))
}

inside /usr/bin/slipway serve >"$folder/out" 2>"$folder/log" </dev/null &
server=$!
expect 'starts and lives' within 60 answers /healthz ok
expect 'is ready' answers /readyz ready
expect 'shows the first page' page
expect 'serves the files that the page names' served
expect 'keeps its database and key on the volume' test -s "$folder/volume/slipway/slipway.sqlite" -a -s "$folder/volume/slipway/secret.key"
expect 'is user 65532' process '^Uid:[[:space:]]65532[[:space:]]65532[[:space:]]65532[[:space:]]65532$'
expect 'is in group 65532' process '^Gid:[[:space:]]65532[[:space:]]65532[[:space:]]65532[[:space:]]65532$'
expect 'has no capability' process '^CapEff:[[:space:]]0000000000000000$'
expect 'can gain none' process '^NoNewPrivs:[[:space:]]1$'
expect 'writes a backup to the volume' copies
expect 'cannot write elsewhere' refuses
expect 'finds hosts by name' names
expect 'is small' small
stop() { kill "$(portal)" && wait "$server"; }
expect 'ends when it is asked to' stop
server=
expect 'logs in JSON' sh -c "grep -q 'asked to stop' '$folder/log' && ! grep -qv '^{.*}$' '$folder/log'"

bytes() { awk -v n="$1" 'BEGIN { printf "%.1f MB", n / 1e6 }'; }
echo "program $(bytes "$(stat -c %s "$program")"), stripped $(bytes "$(stat -c %s "$folder/root/usr/bin/slipway")");" \
  "image $(bytes "$(du -sb "$folder/root" | cut -f1)") unpacked, $(bytes "${packed:-0}") as it is pulled"
took=$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
if ((failed)); then echo "$failed failed, $passed passed in ${took}s"; exit 1; fi
echo "$passed passed in ${took}s"

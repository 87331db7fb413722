#!/usr/bin/env bash
# control-plane.sh - a real Kubernetes control plane for integration tests, built
# from Debian packages only (binary packages for the Go toolchain and etcd, the
# source package `kubernetes` for the control plane itself).
#
#   control-plane.sh build        build once into the cache; no-op when already there
#   control-plane.sh start DIR    start etcd, kube-apiserver, kube-controller-manager
#                            and kube-scheduler on free loopback ports, with all
#                            state in DIR; writes DIR/kubeconfig (cluster admin).
#                            A cluster that already runs in DIR is left alone.
#   control-plane.sh stop DIR     stop what `start DIR` started (state is kept; a
#                            later `start DIR` continues with it)
#   control-plane.sh status DIR   one line per component; exit 0 when all are up
#   control-plane.sh path         print the folder that holds the built binaries
#
# Needs: bash, coreutils, grep, sed, awk, tar, util-linux (flock, setsid), apt,
# dpkg-deb, openssl. Root is not needed: packages are downloaded with apt's own
# client into a private folder and unpacked there, never installed; apt's own
# state and configuration are not changed. The deb-src entries are derived from
# the machine's apt sources.
#
# Environment:
#   KUBE_DEV_CACHE       cache root (default: kubernetes/ in SLIPWAY_TEST_CACHE, or in
#                        $HOME/.cache/slipway-tests)
#   KUBE_DEV_COMPONENTS  what to build (default: the three control-plane
#                        programs; add `kubelet` to build that one too)
#   KUBE_DEV_GO          Debian package of the Go toolchain (default: the first
#                        of golang-1.19-go, golang-1.2x-go that apt offers)
#   KUBE_DEV_TIMEOUT     seconds to wait for a component (default: 90)
#   KUBE_DEV_SERVICE_CIDR   (default: 10.96.0.0/24)
#   KUBE_DEV_APISERVER_ARGS, KUBE_DEV_CONTROLLER_ARGS, KUBE_DEV_SCHEDULER_ARGS,
#   KUBE_DEV_ETCD_ARGS   extra flags, split at white space
#
# Users: DIR/kubeconfig holds a client certificate in group system:masters.
# DIR/tokens.csv ("token,user,uid,group1,group2") is kube-apiserver's static
# token file; put test users there before the first `start` (it is read at
# start), or use impersonation.
set -euo pipefail
umask 077
export LC_ALL=C

SRC_PACKAGE=kubernetes
COMPONENTS=${KUBE_DEV_COMPONENTS:-kube-apiserver kube-controller-manager kube-scheduler}
CACHE=${KUBE_DEV_CACHE:-${SLIPWAY_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/slipway-tests}/kubernetes}
case $CACHE in /*) ;; *) CACHE=$PWD/$CACHE ;; esac
TIMEOUT=${KUBE_DEV_TIMEOUT:-90}
SERVICE_CIDR=${KUBE_DEV_SERVICE_CIDR:-10.96.0.0/24}

log() { printf 'control-plane: %s\n' "$*" >&2; }
die() { log "$*"; exit 1; }
need() {
  local t
  for t in "$@"; do command -v "$t" >/dev/null 2>&1 || die "missing tool: $t"; done
}

# ------------------------------------------------------------------ apt ------
# A private apt state below $1, with the machine's sources once as they are and
# once more as deb-src.
apt_private() {
  local root=$1 list parts f
  mkdir -p "$root"/sources.d "$root"/lists/partial "$root"/cache/archives/partial "$root"/log
  eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
  if [ -f "$list" ]; then
    grep -E '^[[:space:]]*deb[[:space:]]' "$list" >"$root/sources.d/main.list" || true
  fi
  for f in "$parts"*.list; do
    [ -f "$f" ] || continue
    grep -E '^[[:space:]]*deb[[:space:]]' "$f" >"$root/sources.d/$(basename "$f")" || true
  done
  for f in "$root"/sources.d/*.list; do
    [ -f "$f" ] || continue
    sed -E 's/^[[:space:]]*deb[[:space:]]/deb-src /' "$f" >"${f%.list}-src.list"
  done
  for f in "$parts"*.sources; do
    [ -f "$f" ] || continue
    sed -E 's/^Types:.*/Types: deb deb-src/' "$f" >"$root/sources.d/$(basename "$f")"
  done
  APT_OPTS=(
    -o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$root/sources.d"
    -o "Dir::State::Lists=$root/lists" -o "Dir::Cache=$root/cache" -o "Dir::Log=$root/log"
    -o "Acquire::Retries=3" -o "APT::Get::List-Cleanup=false"
  )
  if [ "$(id -u)" = 0 ]; then APT_OPTS+=(-o "APT::Sandbox::User=root"); fi
}
apt_src_version() { # newest version of the source package that is not stripped
  apt-cache "${APT_OPTS[@]}" showsrc "$SRC_PACKAGE" 2>/dev/null |
    awk '/^Version:/ {print $2}' | grep -v '+ds' | sort -uV | tail -n 1
}

# ---------------------------------------------------------------- build ------
built_version() { # newest complete build in the cache
  local d
  [ -d "$CACHE" ] || return 1
  d=$(find "$CACHE" -mindepth 2 -maxdepth 2 -name .complete -printf '%h\n' | sort -V | tail -n 1)
  [ -n "$d" ] || return 1
  local c
  for c in etcd $COMPONENTS; do [ -x "$d/bin/$c" ] || return 1; done
  printf '%s\n' "$d"
}

cmd_build() {
  local out work version upstream go_pkg p orig tree goroot
  if out=$(built_version) && [ -z "${KUBE_DEV_REBUILD:-}" ]; then
    log "already built: $out"
    return 0
  fi
  need apt-get apt-cache apt-config dpkg-deb tar awk sed grep flock
  mkdir -p "$CACHE"
  exec 9>"$CACHE/.lock"
  flock -w 7200 9 || die "another build holds $CACHE/.lock"
  if out=$(built_version) && [ -z "${KUBE_DEV_REBUILD:-}" ]; then
    log "already built: $out"
    return 0
  fi
  find "$CACHE" -mindepth 1 -maxdepth 1 -name '.work.*' -exec chmod -R u+w {} + -exec rm -rf {} +
  work=$(mktemp -d "$CACHE/.work.XXXXXX")
  WORK=$work # global: the trap runs outside this function
  trap 'chmod -R u+w "$WORK" 2>/dev/null; rm -rf "$WORK"' EXIT

  apt_private "$work/apt"
  log "reading the package lists (private copy)"
  apt-get "${APT_OPTS[@]}" -qq update || die "apt-get update failed"
  version=$(apt_src_version)
  [ -n "$version" ] ||
    die "apt offers no full source package '$SRC_PACKAGE' (Debian's '+ds' ones hold kubectl only); Debian 12 has one"
  go_pkg=${KUBE_DEV_GO:-}
  if [ -z "$go_pkg" ]; then
    for p in golang-1.19-go golang-1.20-go golang-1.21-go golang-1.22-go golang-1.23-go golang-1.24-go; do
      if apt-cache "${APT_OPTS[@]}" show "$p" >/dev/null 2>&1; then go_pkg=$p; break; fi
    done
  fi
  [ -n "$go_pkg" ] || die "apt offers no suitable Go toolchain"

  # Kubernetes 1.20 vendors reflect2 1.0.1, which corrupts memory when it walks a
  # map under Go >= 1.18 (kube-apiserver then dies at the first custom resource).
  # Debian's reflect2 (>= 1.0.2) replaces the vendored copy below.
  local reflect2=golang-github-modern-go-reflect2-dev
  log "downloading $SRC_PACKAGE $version (source), $go_pkg, etcd-server, $reflect2"
  mkdir -p "$work/dl" "$work/root" "$work/src" "$work/bin"
  (
    cd "$work/dl" &&
      apt-get "${APT_OPTS[@]}" -qq download "$go_pkg" "${go_pkg%-go}-src" etcd-server "$reflect2" &&
      apt-get "${APT_OPTS[@]}" -qq source --download-only "$SRC_PACKAGE=$version"
  ) || die "download failed"
  for p in "$work"/dl/*.deb; do dpkg-deb -x "$p" "$work/root"; done
  goroot=$(find "$work/root/usr/lib" -maxdepth 1 -name 'go-*' | head -n 1)
  [ -x "$goroot/bin/go" ] || die "no Go toolchain in $go_pkg"
  cp "$work/root/usr/bin/etcd" "$work/bin/etcd"
  orig=$(find "$work/dl" -name "${SRC_PACKAGE}_*.orig.tar.*" | head -n 1)
  tar -xf "$orig" -C "$work/src"
  tree=$(find "$work/src" -mindepth 1 -maxdepth 1 -type d | head -n 1)
  [ -f "$tree/vendor/modules.txt" ] || die "the source package has no vendor/ folder"
  p=vendor/github.com/modern-go/reflect2
  if [ -e "$tree/$p/unsafe_map.go" ] && [ ! -e "$tree/$p/go_above_118.go" ]; then
    log "replacing the vendored reflect2 by Debian's"
    rm -rf "${tree:?}/$p"
    cp -r "$work/root/usr/share/gocode/src/${p#vendor/}" "$tree/$p"
    [ -e "$tree/$p/go_above_118.go" ] || die "Debian's $reflect2 is too old for this Go"
  fi
  # Debian's patches touch kubectl and its printers only, which are not built.
  upstream=v${version%%-*}
  upstream=${upstream##*really}
  upstream=v${upstream#v}

  # GOPATH mode with the vendored dependencies; nothing is fetched.
  mkdir -p "$work/gopath/src/k8s.io"
  ln -s "$tree" "$work/gopath/src/k8s.io/kubernetes"
  export GOROOT=$goroot GOPATH=$work/gopath GOCACHE=$work/gocache GOTMPDIR=$work
  export GO111MODULE=off GOFLAGS='' GOPROXY=off GOSUMDB=off GOTOOLCHAIN=local CGO_ENABLED=0 GOENV=off
  PATH=$goroot/bin:$PATH
  cd "$work/gopath/src/k8s.io/kubernetes"

  if [ ! -e pkg/generated/openapi/zz_generated.openapi.go ]; then
    log "generating the OpenAPI definitions (the one generated file that the source lacks)"
    local dirs
    go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
    dirs=$({
      grep -rlE --include='*.go' '^// *\+k8s:openapi-gen=' pkg cmd plugin
      grep -rlE --include='*.go' '^// *\+k8s:openapi-gen=' staging/src/k8s.io |
        grep -vE 'k8s\.io/(code-generator|sample-apiserver)/' | sed 's#^staging/src/#vendor/#'
    } | sed 's#/[^/]*$##' | sort -u | sed 's#^#k8s.io/kubernetes/#' | paste -sd, -)
    "$work/openapi-gen" -i "$dirs" -p k8s.io/kubernetes/pkg/generated/openapi \
      -O zz_generated.openapi -h hack/boilerplate/boilerplate.generatego.txt \
      -r "$work/openapi-violations"
  fi

  local ld='-s -w' c major minor t0
  major=${upstream#v}; major=${major%%.*}
  minor=${upstream#v*.}; minor=${minor%%.*}
  for p in client-go/pkg/version component-base/version; do
    p=k8s.io/kubernetes/vendor/k8s.io/$p
    ld="$ld -X $p.gitVersion=$upstream -X $p.gitMajor=$major -X $p.gitMinor=$minor"
    ld="$ld -X $p.gitTreeState=archive -X $p.gitCommit=debian-$version"
  done
  for c in $COMPONENTS; do
    t0=$SECONDS
    # without the cloud providers' and Docker's code: half the build
    go build -trimpath -tags 'providerless dockerless' -ldflags "$ld" -o "$work/bin/$c" "./cmd/$c" || die "building $c failed"
    log "built $c in $((SECONDS - t0)) s"
  done
  cd /

  out=$CACHE/$version
  rm -rf "$out.new"
  mkdir -p "$out.new"
  mv "$work/bin" "$out.new/bin"
  printf 'kubernetes %s\nsource %s\ngo %s\netcd %s\n' "$upstream" "$version" \
    "$("$goroot/bin/go" version | awk '{print $3}')" \
    "$("$out.new/bin/etcd" --version | awk '/etcd Version/ {print $3}')" >"$out.new/VERSIONS"
  touch "$out.new/.complete"
  rm -rf "$out"
  mv "$out.new" "$out"
  rm -rf "$work"
  exec 9>&-
  log "done: $out"
}

# ---------------------------------------------------------------- certs ------
# The serving certificate must be valid for what a client may call the server.
new_ca() { # DIR NAME CN
  [ -s "$1/$2.crt" ] && return 0
  openssl ecparam -name prime256v1 -genkey -noout -out "$1/$2.key"
  openssl req -x509 -new -sha256 -key "$1/$2.key" -subj "/CN=$3" -days 3650 -out "$1/$2.crt" \
    -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,digitalSignature'
}
new_cert() { # DIR NAME CA SUBJECT EXT_KEY_USAGE [SAN]
  [ -s "$1/$2.crt" ] && return 0
  openssl ecparam -name prime256v1 -genkey -noout -out "$1/$2.key"
  openssl req -new -sha256 -key "$1/$2.key" -subj "$4" -out "$1/$2.csr"
  {
    printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\n' "$5"
    if [ -n "${6:-}" ]; then printf 'subjectAltName=%s\n' "$6"; fi
  } >"$1/$2.ext"
  openssl x509 -req -sha256 -in "$1/$2.csr" -CA "$1/$3.crt" -CAkey "$1/$3.key" -days 3650 \
    -set_serial "0x$(openssl rand -hex 16)" -extfile "$1/$2.ext" -out "$1/$2.crt" 2>/dev/null
  rm -f "$1/$2.csr" "$1/$2.ext"
}
b64() { base64 -w0 <"$1"; }
write_kubeconfig() { # FILE PKI CERT_NAME SERVER
  local tmp=$1.$$
  cat >"$tmp" <<EOF
apiVersion: v1
kind: Config
current-context: kube-dev
clusters:
- name: kube-dev
  cluster:
    server: $4
    certificate-authority-data: $(b64 "$2/ca.crt")
users:
- name: $3
  user:
    client-certificate-data: $(b64 "$2/$3.crt")
    client-key-data: $(b64 "$2/$3.key")
contexts:
- name: kube-dev
  context:
    cluster: kube-dev
    user: $3
EOF
  mv "$tmp" "$1"
}
make_pki() { # PKI
  local pki=$1 sip
  mkdir -p "$pki"
  # The API server's own service address is the first one of the range.
  sip=$(awk -F'[./]' '{printf "%d.%d.%d.%d", $1, $2, $3, $4 + 1}' <<<"$SERVICE_CIDR")
  new_ca "$pki" ca kube-dev-ca
  new_ca "$pki" etcd-ca kube-dev-etcd-ca
  new_ca "$pki" front-proxy-ca kube-dev-front-proxy-ca
  new_cert "$pki" etcd etcd-ca /CN=etcd serverAuth,clientAuth IP:127.0.0.1,DNS:localhost
  new_cert "$pki" etcd-client etcd-ca /CN=kube-apiserver clientAuth
  new_cert "$pki" apiserver ca /CN=kube-apiserver serverAuth \
    "IP:127.0.0.1,IP:$sip,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  new_cert "$pki" component ca /CN=kube-component serverAuth IP:127.0.0.1,DNS:localhost
  new_cert "$pki" apiserver-kubelet-client ca /O=system:masters/CN=kube-apiserver-kubelet-client clientAuth
  new_cert "$pki" front-proxy-client front-proxy-ca /CN=front-proxy-client clientAuth
  new_cert "$pki" admin ca /O=system:masters/CN=kubernetes-admin clientAuth
  new_cert "$pki" controller-manager ca /CN=system:kube-controller-manager clientAuth
  new_cert "$pki" scheduler ca /CN=system:kube-scheduler clientAuth
  if [ ! -s "$pki/sa.pub" ]; then
    openssl genrsa -out "$pki/sa.key" 2048 2>/dev/null
    openssl rsa -in "$pki/sa.key" -pubout -out "$pki/sa.pub" 2>/dev/null
  fi
}

# ---------------------------------------------------------- processes --------
# DIR/run/NAME.pid holds "PID START_TIME" (field 22 of /proc/PID/stat), so that
# a process that merely got the same number later is never taken for ours.
start_time() { sed -E 's/^.*\) //' "/proc/$1/stat" 2>/dev/null | awk '{print $20}'; }
alive() { # DIR NAME -> prints the pid
  local pid st
  [ -s "$1/run/$2.pid" ] || return 1
  read -r pid st <"$1/run/$2.pid" || return 1
  [ -n "$st" ] && [ "$(start_time "$pid")" = "$st" ] || return 1
  [ "$(sed -E 's/^.*\) //' "/proc/$pid/stat" 2>/dev/null | cut -c1)" != Z ] || return 1
  printf '%s\n' "$pid"
}
spawn() { # DIR NAME COMMAND...
  local dir=$1 name=$2 pid st
  shift 2
  [ -f "$dir/log/$name.log" ] && mv -f "$dir/log/$name.log" "$dir/log/$name.log.1"
  # 9>&- : a build lock is never handed on; setsid: a closing terminal is no reason to die.
  setsid "$@" >"$dir/log/$name.log" 2>&1 </dev/null 9>&- &
  pid=$!
  st=$(start_time "$pid") || true
  printf '%s %s\n' "$pid" "$st" >"$dir/run/$name.pid"
}
end_process() { # DIR NAME
  local pid i
  if pid=$(alive "$1" "$2"); then
    kill -TERM "$pid" 2>/dev/null || true
    for ((i = 0; i < 150; i++)); do
      alive "$1" "$2" >/dev/null || break
      sleep 0.1
    done
    if pid=$(alive "$1" "$2"); then
      log "$2 ($pid) did not end in 15 s; killing it"
      kill -KILL "$pid" 2>/dev/null || true
    fi
  fi
  rm -f "$1/run/$2.pid"
}
port_used() { # PORT (any local address, IPv4 or IPv6, listening or not)
  local hex
  hex=$(printf '%04X' "$1")
  awk -v p=":$hex" 'FNR > 1 && substr($2, length($2) - 4) == p {f = 1} END {exit !f}' \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null
}
free_ports() { # COUNT -> that many distinct ports, below the ephemeral range's usual start
  local n=$1 p seen=' ' out=()
  while [ "${#out[@]}" -lt "$n" ]; do
    p=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    case $seen in *" $p "*) continue ;; esac
    seen="$seen$p "
    port_used "$p" || out+=("$p")
  done
  printf '%s\n' "${out[*]}"
}
# `-quiet` also keeps the connection open when the input ends; HTTP/1.0 makes the
# server close it after its answer.
http_ok() { # PORT PATH PKI
  local answer
  answer=$(printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" |
    timeout 5 openssl s_client -quiet -verify_return_error -connect "127.0.0.1:$1" -CAfile "$3/ca.crt" \
      -cert "$3/admin.crt" -key "$3/admin.key" 2>/dev/null | head -n 1) || true
  case $answer in *' 200 '*) return 0 ;; esac
  return 1
}
wait_http() { # DIR NAME PORT PATH; 1: too late, 2: the process ended
  local end=$((SECONDS + TIMEOUT))
  while [ "$SECONDS" -lt "$end" ]; do
    alive "$1" "$2" >/dev/null || return 2
    if port_used "$3" && http_ok "$3" "$4" "$1/pki"; then return 0; fi
    sleep 0.2
  done
  return 1
}
fail_with_log() { # DIR NAME
  log "$2 did not come up; the end of $1/log/$2.log:"
  tail -n 15 "$1/log/$2.log" >&2 || true
  stop_all "$1"
  exit 1
}
ALL='kube-scheduler kube-controller-manager kube-apiserver etcd'
stop_all() { local n; for n in $ALL; do end_process "$1" "$n"; done; }

state_dir() { # DIR -> absolute
  [ -n "${1:-}" ] || die "which DIR?"
  mkdir -p "$1/run" "$1/log"
  (cd "$1" && pwd)
}

cmd_start() {
  local dir bin pki home etcd_port peer_port api_port kcm_port sched_port url try rc t0=$SECONDS
  need openssl base64 awk setsid flock timeout
  dir=$(state_dir "$1")
  if ! home=$(built_version); then
    (cmd_build) # a subshell: it changes folder and environment
    home=$(built_version) || die "the build is not in the cache"
  fi
  bin=$home/bin
  exec 8>"$dir/run/lock"
  flock -w "$((TIMEOUT * 3))" 8 || die "another start or stop works in $dir"

  local n up=0
  for n in $ALL; do if alive "$dir" "$n" >/dev/null; then up=$((up + 1)); fi; done
  if [ "$up" = 4 ] && [ -s "$dir/run/ports" ]; then
    read -r etcd_port peer_port api_port kcm_port sched_port <"$dir/run/ports"
    if http_ok "$api_port" /readyz "$dir/pki"; then
      log "already running: $dir/kubeconfig"
      return 0
    fi
  fi
  if [ "$up" != 0 ]; then log "found a cluster that is only half up; restarting it"; stop_all "$dir"; fi

  pki=$dir/pki
  make_pki "$pki"
  if [ ! -s "$dir/tokens.csv" ]; then
    printf '%s,kube-dev-admin,kube-dev-admin,"system:masters"\n' "$(openssl rand -hex 24)" >"$dir/tokens.csv"
  fi

  for try in 1 2 3; do
    read -r etcd_port peer_port api_port kcm_port sched_port <<<"$(free_ports 5)"
    url=https://127.0.0.1:$api_port
    # shellcheck disable=SC2086
    spawn "$dir" etcd "$bin/etcd" --name kube-dev --data-dir "$dir/etcd" \
      --listen-client-urls "https://127.0.0.1:$etcd_port" --advertise-client-urls "https://127.0.0.1:$etcd_port" \
      --listen-peer-urls "https://127.0.0.1:$peer_port" \
      --initial-advertise-peer-urls "https://127.0.0.1:$peer_port" \
      --initial-cluster "kube-dev=https://127.0.0.1:$peer_port" \
      --client-cert-auth --trusted-ca-file "$pki/etcd-ca.crt" --cert-file "$pki/etcd.crt" --key-file "$pki/etcd.key" \
      --peer-client-cert-auth --peer-trusted-ca-file "$pki/etcd-ca.crt" \
      --peer-cert-file "$pki/etcd.crt" --peer-key-file "$pki/etcd.key" \
      --logger zap --log-level warn ${KUBE_DEV_ETCD_ARGS:-} 8>&-
    # kube-apiserver waits for etcd by itself; starting both at once saves a second.
    # shellcheck disable=SC2086
    spawn "$dir" kube-apiserver "$bin/kube-apiserver" \
      --bind-address 127.0.0.1 --secure-port "$api_port" --advertise-address 127.0.0.1 \
      --endpoint-reconciler-type none \
      --etcd-servers "https://127.0.0.1:$etcd_port" --etcd-cafile "$pki/etcd-ca.crt" \
      --etcd-certfile "$pki/etcd-client.crt" --etcd-keyfile "$pki/etcd-client.key" \
      --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" \
      --client-ca-file "$pki/ca.crt" --token-auth-file "$dir/tokens.csv" --authorization-mode Node,RBAC \
      --enable-admission-plugins NodeRestriction --allow-privileged=true \
      --service-cluster-ip-range "$SERVICE_CIDR" \
      --service-account-issuer https://kubernetes.default.svc.cluster.local \
      --service-account-key-file "$pki/sa.pub" --service-account-signing-key-file "$pki/sa.key" \
      --kubelet-client-certificate "$pki/apiserver-kubelet-client.crt" \
      --kubelet-client-key "$pki/apiserver-kubelet-client.key" \
      --requestheader-client-ca-file "$pki/front-proxy-ca.crt" --requestheader-allowed-names front-proxy-client \
      --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group \
      --requestheader-extra-headers-prefix X-Remote-Extra- \
      --proxy-client-cert-file "$pki/front-proxy-client.crt" --proxy-client-key-file "$pki/front-proxy-client.key" \
      --profiling=false ${KUBE_DEV_APISERVER_ARGS:-} 8>&-
    rc=0
    wait_http "$dir" kube-apiserver "$api_port" /readyz || rc=$?
    [ "$rc" = 0 ] && break
    # A port that was taken between the look and the bind is worth another try.
    if [ "$try" -lt 3 ] && grep -qs 'address already in use' "$dir/log/etcd.log" "$dir/log/kube-apiserver.log"; then
      stop_all "$dir"
      continue
    fi
    alive "$dir" etcd >/dev/null || fail_with_log "$dir" etcd
    fail_with_log "$dir" kube-apiserver
  done

  write_kubeconfig "$dir/run/controller-manager.kubeconfig" "$pki" controller-manager "$url"
  write_kubeconfig "$dir/run/scheduler.kubeconfig" "$pki" scheduler "$url"
  # shellcheck disable=SC2086
  spawn "$dir" kube-controller-manager "$bin/kube-controller-manager" \
    --kubeconfig "$dir/run/controller-manager.kubeconfig" \
    --authentication-kubeconfig "$dir/run/controller-manager.kubeconfig" \
    --authorization-kubeconfig "$dir/run/controller-manager.kubeconfig" \
    --bind-address 127.0.0.1 --secure-port "$kcm_port" --port 0 --leader-elect=false \
    --tls-cert-file "$pki/component.crt" --tls-private-key-file "$pki/component.key" --client-ca-file "$pki/ca.crt" \
    --use-service-account-credentials --service-account-private-key-file "$pki/sa.key" --root-ca-file "$pki/ca.crt" \
    --cluster-signing-cert-file "$pki/ca.crt" --cluster-signing-key-file "$pki/ca.key" \
    --flex-volume-plugin-dir "$dir/run/volume-plugins" --enable-hostpath-provisioner ${KUBE_DEV_CONTROLLER_ARGS:-} 8>&-
  # shellcheck disable=SC2086
  spawn "$dir" kube-scheduler "$bin/kube-scheduler" \
    --kubeconfig "$dir/run/scheduler.kubeconfig" \
    --authentication-kubeconfig "$dir/run/scheduler.kubeconfig" \
    --authorization-kubeconfig "$dir/run/scheduler.kubeconfig" \
    --bind-address 127.0.0.1 --secure-port "$sched_port" --port 0 --leader-elect=false \
    --tls-cert-file "$pki/component.crt" --tls-private-key-file "$pki/component.key" --client-ca-file "$pki/ca.crt" \
    ${KUBE_DEV_SCHEDULER_ARGS:-} 8>&-
  wait_http "$dir" kube-controller-manager "$kcm_port" /healthz || fail_with_log "$dir" kube-controller-manager
  wait_http "$dir" kube-scheduler "$sched_port" /healthz || fail_with_log "$dir" kube-scheduler
  printf '%s\n' "$etcd_port $peer_port $api_port $kcm_port $sched_port" >"$dir/run/ports"
  write_kubeconfig "$dir/kubeconfig" "$pki" admin "$url"
  log "up in $((SECONDS - t0)) s at $url; KUBECONFIG=$dir/kubeconfig"
}

cmd_stop() {
  local dir
  [ -n "${1:-}" ] || die "which DIR?"
  [ -d "$1/run" ] || { log "nothing was started in $1"; return 0; }
  dir=$(state_dir "$1")
  exec 8>"$dir/run/lock"
  flock -w 300 8 || die "another start or stop works in $dir"
  stop_all "$dir"
  rm -f "$dir/run/ports"
  log "stopped: $dir"
}

cmd_status() {
  local dir n pid rc=0
  [ -d "${1:-}/run" ] || die "nothing was started in ${1:-?}"
  dir=$(cd "$1" && pwd)
  for n in etcd kube-apiserver kube-controller-manager kube-scheduler; do
    if pid=$(alive "$dir" "$n"); then
      printf '%-24s up, pid %s, %s KiB\n' "$n" "$pid" "$(awk '/^VmRSS/ {print $2}' "/proc/$pid/status")"
    else
      printf '%-24s down\n' "$n"
      rc=1
    fi
  done
  return "$rc"
}

case ${1:-} in
build) cmd_build ;;
start) cmd_start "${2:-}" ;;
stop) cmd_stop "${2:-}" ;;
status) cmd_status "${2:-}" ;;
path) d=$(built_version) || die "not built yet"; printf '%s\n' "$d/bin" ;;
*) sed -n '2,/^set -e/{/^#/!d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2 ;;
esac

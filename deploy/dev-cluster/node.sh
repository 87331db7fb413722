#!/usr/bin/env bash
# node.sh - a real worker node (kubelet, containerd, runc, CNI bridge) for
# a control plane that control-plane.sh started, from Debian packages only.
#
#   node.sh build       unpack the packages, build the kubelet (through
#                            control-plane.sh beside this file) and make the images
#                            localhost/pause:1 and localhost/busybox:1; no-op
#                            when already there. Needs no root.
#   node.sh image NAME:TAG ROOTFS_DIR [ENTRYPOINT...] OUT.tar
#                            make a docker-archive of a root file system folder
#                            (one layer, no Docker needed)
#   node.sh load NODE_DIR IMAGE.tar
#                            import it into a running node's containerd
#   node.sh start CLUSTER_DIR NODE_DIR NAME
#                            start containerd and a kubelet that joins the
#                            cluster of `control-plane.sh start CLUSTER_DIR` as node
#                            NAME; returns when the node is Ready. A node that
#                            already runs is left alone; if only its kubelet
#                            died, only that is started again (pods live on).
#   node.sh stop NODE_DIR
#                            end the node and everything in it, like pulling
#                            the plug (state and images are kept; a later start
#                            continues). Node object and pods stay in the API;
#                            the scheduler still uses the node until it is
#                            NotReady (40 s): cordon or delete it first where
#                            that matters.
#   node.sh status NODE_DIR
#                            one line per process; exit 0 when both are up
#
# Start the cluster with
#   KUBE_DEV_APISERVER_ARGS=--kubelet-preferred-address-types=InternalIP
# or logs, exec and port-forward cannot find the node.
#
# Needs: root for load/start/stop (start does not work in a container without
# CAP_SYS_ADMIN and CAP_NET_ADMIN); bash, coreutils, grep, sed, awk, tar,
# util-linux (flock, setsid, unshare, nsenter), openssl; for build also apt,
# dpkg-deb and a C compiler with a static libc (gcc, libc6-dev). Packages are
# downloaded into a private folder and unpacked, never installed.
# containerd must be 1.x: kubelet 1.20 speaks CRI v1alpha2 (so: Debian 12 or 13).
#
# Several NODE_DIRs may run at once: each has its own bridge (knI), subnet
# (10.244.I.0/24), cgroup (kube-node-I) and mount namespace with a private
# /var/log, /var/lib/cni, /var/lib/kubelet and /run/containerd.
#
# What a node does not have: kube-proxy (no Service addresses), cluster DNS, a
# way out of the machine (no NAT), a registry. Pods reach each other, the
# node's address 10.244.I.1 and, through it, host programs that listen on it;
# the API server listens on loopback only, so pods do not reach it. Give pods
# imagePullPolicy Never or IfNotPresent. Logs show whole lines only.
#
# While nodes run: net.ipv4.ip_forward is on and the kubelet sets kernel.panic,
# kernel.panic_on_oops, vm.overcommit_memory, vm.panic_on_oom and
# kernel.keys.root_max*; the last stop puts all of them back.
#
# Environment:
#   KUBE_DEV_CACHE          cache root, as in control-plane.sh
#   KUBE_NODE_SUITE         Debian suite to take packages from (default: the
#                           machine's own, where apt knows it)
#   KUBE_NODE_GPUS=n        at start, patch nvidia.com/gpu: n into the node's
#                           status (also NODE_GPUS)
#   KUBE_NODE_NET           first two bytes of the subnets (default: 10.244)
#   KUBE_NODE_SNAPSHOTTER   default: overlayfs, or native where NODE_DIR itself
#                           is on an overlay
#   KUBE_NODE_KUBELET_ARGS  extra flags, split at white space
#   KUBE_NODE_TIMEOUT       seconds to wait for a step (default: 90)
set -euo pipefail
umask 077
export LC_ALL=C

SELF=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${KUBE_DEV_CACHE:-${SLIPWAY_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/slipway-tests}/kubernetes}
case $CACHE in /*) ;; *) CACHE=$PWD/$CACHE ;; esac
TIMEOUT=${KUBE_NODE_TIMEOUT:-90}
NET=${KUBE_NODE_NET:-10.244}
GPUS=${KUBE_NODE_GPUS:-${NODE_GPUS:-}}
PACKAGES='containerd runc libseccomp2 containernetworking-plugins busybox-static'
PAUSE=localhost/pause:1
BUSYBOX=localhost/busybox:1
REG=/run/kube-node # one line per claimed index; saved settings; gone with the last node
PRIVATE='/var/lib/cni /var/lib/kubelet /run/containerd' # hard-coded folders that each node gets its own of
SYSCTLS='net/ipv4/ip_forward vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops
  kernel/keys/root_maxkeys kernel/keys/root_maxbytes'

log() { printf 'node: %s\n' "$*" >&2; }
die() { log "$*"; exit 1; }
need() {
  local t
  for t in "$@"; do command -v "$t" >/dev/null 2>&1 || die "missing tool: $t"; done
}
need_root() { [ "$(id -u)" = 0 ] || die "'$1' needs root (mounts, network, cgroups)"; }
kube_dev() {
  KUBE_DEV_COMPONENTS='kube-apiserver kube-controller-manager kube-scheduler kubelet' \
    KUBE_DEV_CACHE=$CACHE "$SELF/control-plane.sh" "$@"
}

# ---------------------------------------------------------------- build ------
apt_private() { # ROOT: a private apt state with the machine's sources
  local root=$1 list parts f suite=${KUBE_NODE_SUITE:-}
  mkdir -p "$root"/sources.d "$root"/lists/partial "$root"/cache/archives/partial "$root"/log
  eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
  for f in "$list" "$parts"*.list "$parts"*.sources; do
    if [ -f "$f" ]; then cp "$f" "$root/sources.d/"; fi
  done
  APT_OPTS=(
    -o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$root/sources.d"
    -o "Dir::State::Lists=$root/lists" -o "Dir::Cache=$root/cache" -o "Dir::Log=$root/log"
    -o "Acquire::Retries=3" -o "APT::Get::List-Cleanup=false"
  )
  if [ "$(id -u)" = 0 ]; then APT_OPTS+=(-o "APT::Sandbox::User=root"); fi
  log "reading the package lists (private copy)"
  apt-get "${APT_OPTS[@]}" -qq update || die "apt-get update failed"
  # Where apt offers several suites, stay with the one whose libc this machine has.
  if [ -z "$suite" ]; then suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release 2>/dev/null || true); fi
  if [ -n "$suite" ] && apt-cache "${APT_OPTS[@]}" -o "APT::Default-Release=$suite" policy >/dev/null 2>&1; then
    APT_OPTS+=(-o "APT::Default-Release=$suite")
  fi
}

write_pause() { # FILE.c
  cat >"$1" <<'EOF'
/* Holds a pod's namespaces open: collects orphans, ends at SIGTERM or SIGINT. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    sigset_t set;
    int sig;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, 0);
    for (;;) {
        if (sigwait(&set, &sig) != 0)
            continue;
        if (sig != SIGCHLD)
            return 0;
        while (waitpid(-1, 0, WNOHANG) > 0)
            ;
    }
}
EOF
}

busybox_in() { find "$1"/bin "$1"/usr/bin -name busybox -type f -perm -100 -print -quit 2>/dev/null || true; }
node_home() { # the unpacked packages and images
  [ -e "$CACHE/node/.ok" ] || return 1
  printf '%s\n' "$CACHE/node"
}

cmd_build() {
  local work p applet
  kube_dev build || die "building the kubelet failed"
  if node_home >/dev/null; then log "already built: $CACHE/node"; return 0; fi
  need apt-get apt-cache apt-config dpkg-deb cc tar sha256sum flock
  mkdir -p "$CACHE"
  exec 9>"$CACHE/.node-lock"
  flock -w 3600 9 || die "another build holds $CACHE/.node-lock"
  if node_home >/dev/null; then log "already built: $CACHE/node"; return 0; fi
  find "$CACHE" -mindepth 1 -maxdepth 1 -name '.nodework.*' -exec rm -rf {} +
  work=$(mktemp -d "$CACHE/.nodework.XXXXXX")
  WORK=$work # global: the trap runs outside this function
  trap 'rm -rf "$WORK"' EXIT

  apt_private "$work/apt"
  mkdir -p "$work/dl" "$work/new/root" "$work/new/img"
  log "downloading $PACKAGES"
  # shellcheck disable=SC2086
  (cd "$work/dl" && apt-get "${APT_OPTS[@]}" -qq download $PACKAGES) || die "download failed"
  for p in "$work"/dl/*.deb; do
    dpkg-deb -x "$p" "$work/new/root"
    dpkg-deb -W "$p" >>"$work/new/VERSIONS"
  done
  case $(awk '$1 == "containerd" {print $2}' "$work/new/VERSIONS") in
  0.* | 1.*) ;;
  *) die "apt offers a containerd that kubelet 1.20 cannot talk to (1.x is needed); set KUBE_NODE_SUITE" ;;
  esac

  umask 022 # what goes into images must be readable by any user
  mkdir -p "$work/pause" "$work/bb"/{bin,etc,root,tmp,var/www,proc,sys,dev}
  write_pause "$work/pause.c"
  cc -Os -static -s -o "$work/pause/pause" "$work/pause.c" || die "compiling pause failed (static libc missing?)"
  cp "$(busybox_in "$work/new/root")" "$work/bb/bin/busybox"
  "$work/bb/bin/busybox" --list | while read -r applet; do
    if [ "$applet" != busybox ]; then ln -s busybox "$work/bb/bin/$applet"; fi
  done
  chmod 1777 "$work/bb/tmp"
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$work/bb/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$work/bb/etc/group"
  printf 'busybox\n' >"$work/bb/var/www/index.html"
  make_image "$PAUSE" "$work/pause" "$work/new/img/pause.tar" /pause
  make_image "$BUSYBOX" "$work/bb" "$work/new/img/busybox.tar" /bin/sh
  umask 077

  touch "$work/new/.ok"
  rm -rf "$CACHE/node"
  mv "$work/new" "$CACHE/node"
  rm -rf "$work"
  exec 9>&-
  log "done: $CACHE/node"
}

# ---------------------------------------------------------------- image ------
json_string() { # a string without control characters, quoted
  case $1 in *[[:cntrl:]]*) die "control characters in '$1'" ;; esac
  local s=${1//\\/\\\\}
  printf '"%s"' "${s//\"/\\\"}"
}
make_image() { # NAME ROOTFS OUT [ENTRYPOINT...]
  local name=$1 rootfs=$2 out=$3 w arch entry='' layer config owner=() a
  shift 3
  for a in "$@"; do entry="$entry${entry:+,}$(json_string "$a")"; done
  case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac
  # As root the owners are kept; anyone else's files become root's.
  if [ "$(id -u)" != 0 ]; then owner=(--owner=0 --group=0); fi
  w=$(mktemp -d "$out.XXXXXX")
  if ! layer=$(set -o pipefail
    tar --sort=name --numeric-owner --one-file-system "${owner[@]}" --exclude='./proc/*' --exclude='./sys/*' \
      --exclude='./dev/*' -C "$rootfs" -cf - . | tee "$w/layer.tar" | sha256sum); then
    rm -rf "$w"
    die "packing $rootfs failed"
  fi
  layer=${layer%% *}
  printf '{"architecture":"%s","os":"linux","config":{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]%s},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created_by":"node.sh"}]}' \
    "$arch" "${entry:+,\"Entrypoint\":[$entry]}" "$layer" >"$w/config"
  config=$(sha256sum <"$w/config")
  config=${config%% *}.json
  mv "$w/config" "$w/$config"
  mkdir "$w/$layer"
  mv "$w/layer.tar" "$w/$layer/"
  printf '[{"Config":"%s","RepoTags":[%s],"Layers":["%s/layer.tar"]}]' "$config" "$(json_string "$name")" "$layer" >"$w/manifest.json"
  tar --owner=0 --group=0 -C "$w" -cf "$w/out.tar" manifest.json "$config" "$layer" || { rm -rf "$w"; die "writing $out failed"; }
  mv -f "$w/out.tar" "$out"
  rm -rf "$w"
}
cmd_image() {
  [ $# -ge 3 ] || die "usage: image NAME:TAG ROOTFS_DIR [ENTRYPOINT...] OUT.tar"
  local name=$1 rootfs=$2 out=${*: -1}
  case $name in *:*) ;; *) die "'$name' has no :TAG" ;; esac
  [ -d "$rootfs" ] || die "no folder $rootfs"
  [ ! -d "$out" ] || die "$out is a folder (the last argument is the file to write)"
  need tar sha256sum tee mktemp
  set -- "${@:3:$#-3}"
  make_image "$name" "$rootfs" "$out" "$@"
  log "$name in $out ($(du -h --apparent-size "$out" | cut -f1))"
}

# ---------------------------------------------------------- processes --------
# NODE_DIR/run/NAME.pid holds "PID START_TIME" (field 22 of /proc/PID/stat), so
# that a process that merely got the same number later is never taken for ours.
start_time() { sed -E 's/^.*\) //' "/proc/$1/stat" 2>/dev/null | awk '{print $20}'; }
live() { # PID START_TIME
  [ -n "${2:-}" ] && [ "$(start_time "$1")" = "$2" ] || return 1
  [ "$(sed -E 's/^.*\) //' "/proc/$1/stat" 2>/dev/null | cut -c1)" != Z ]
}
alive() { # DIR NAME -> prints the pid
  local pid st
  [ -s "$1/run/$2.pid" ] || return 1
  read -r pid st <"$1/run/$2.pid" || return 1
  live "$pid" "$st" || return 1
  printf '%s\n' "$pid"
}
spawn() { # DIR NAME COMMAND...
  local dir=$1 name=$2 pid st
  shift 2
  if [ -f "$dir/log/$name.log" ]; then mv -f "$dir/log/$name.log" "$dir/log/$name.log.1"; fi
  (umask 022; exec setsid "$@") >"$dir/log/$name.log" 2>&1 </dev/null 7<&- 8>&- 9>&- &
  pid=$!
  st=$(start_time "$pid") || true
  printf '%s %s\n' "$pid" "$st" >"$dir/run/$name.pid"
}
end_process() { # DIR NAME
  local pid i
  if pid=$(alive "$1" "$2"); then
    kill -TERM "$pid" 2>/dev/null || true
    for ((i = 0; i < 100; i++)); do
      alive "$1" "$2" >/dev/null || break
      sleep 0.1
    done
    if pid=$(alive "$1" "$2"); then
      log "$2 ($pid) did not end in 10 s; killing it"
      kill -KILL "$pid" 2>/dev/null || true
    fi
  fi
  rm -f "$1/run/$2.pid"
}
state_dir() { # DIR -> absolute
  [ -n "${1:-}" ] || die "which NODE_DIR?"
  mkdir -p "$1/run" "$1/log"
  (cd "$1" && pwd -P)
}
lock_dir() { # DIR
  exec 8>"$1/run/lock"
  flock -w "$((TIMEOUT * 3))" 8 || die "another start or stop works in $1"
}

# -------------------------------------------------- cgroups and claims -------
cgroup_roots() { awk '$3 == "cgroup" || $3 == "cgroup2" {print $2}' /proc/mounts; } # v1, v2 or both
cgroup_make() { # INDEX: the kubelet's root and, inside it, one for the node's own programs
  local r c f
  cgroup_roots | while read -r r; do
    for c in "$r/kube-node-$1" "$r/kube-node-$1/system"; do
      mkdir -p "$c"
      for f in cpuset.cpus cpuset.mems; do # v1: empty until copied
        if [ -e "$c/$f" ] && [ -z "$(cat "$c/$f")" ]; then cat "${c%/*}/$f" >"$c/$f" 2>/dev/null || true; fi
      done
    done
  done
}
cgroup_pids() { # INDEX
  local r
  cgroup_roots | while read -r r; do
    if [ -d "$r/kube-node-$1" ]; then find "$r/kube-node-$1" -name cgroup.procs -exec cat {} + 2>/dev/null || true; fi
  done | sort -un
}
cgroup_end() { # INDEX: nothing but this node's processes was ever put there
  local r i pids
  for ((i = 0; i < 100; i++)); do
    pids=$(cgroup_pids "$1")
    [ -n "$pids" ] || break
    # shellcheck disable=SC2086
    kill -KILL $pids 2>/dev/null || true
    sleep 0.1
  done
  [ -z "$pids" ] || log "processes that do not end: ${pids//$'\n'/ }"
  cgroup_roots | while read -r r; do
    if [ -d "$r/kube-node-$1" ]; then
      for ((i = 0; i < 20; i++)); do
        find "$r/kube-node-$1" -depth -type d -exec rmdir {} + 2>/dev/null && break
        sleep 0.1
      done
      [ ! -d "$r/kube-node-$1" ] || log "left behind: $r/kube-node-$1"
    fi
  done
}
# REG/I holds "PID START_TIME NODE_DIR": the claim of index I by a node, made by
# that process. All of the following run under this lock.
reg_lock() { exec 7</run; flock -w "$((TIMEOUT * 3))" 7 || die "another node is being started or stopped"; }
reg_unlock() { exec 7<&-; }
claimed() { # INDEX -> is its node (still) there?
  local pid st dir
  read -r pid st dir <"$REG/$1" || return 1
  live "$pid" "$st" || alive "$dir" containerd >/dev/null || alive "$dir" kubelet >/dev/null
}
index_of() { # NODE_DIR -> its index
  local f pid st dir
  for f in "$REG"/[0-9]*; do
    [ -f "$f" ] || continue
    read -r pid st dir <"$f" || continue
    if [ "$dir" = "$1" ]; then basename "$f"; return 0; fi
  done
  return 1
}
release() { # INDEX
  local k v d f
  cgroup_end "$1"
  [ ! -e "/sys/class/net/kn$1" ] || "$BB" ip link del "kn$1" || true
  rm -f "$REG/$1"
  for f in "$REG"/[0-9]*; do if [ -f "$f" ]; then return 0; fi; done
  if [ -f "$REG/sysctl" ]; then
    while read -r k v; do
      if [ "$(cat "/proc/sys/$k" 2>/dev/null)" != "$v" ]; then echo "$v" >"/proc/sys/$k" || true; fi
    done <"$REG/sysctl"
  fi
  if [ -f "$REG/made" ]; then while read -r d; do rmdir "$d" 2>/dev/null || true; done <"$REG/made"; fi
  rm -rf "$REG"
}
claim() { # NODE_DIR -> INDEX
  local dir=$1 i='' k d want hex f
  mkdir -p "$REG"
  for f in "$REG"/[0-9]*; do # what crashed or was deleted without a stop
    if [ -f "$f" ] && ! claimed "$(basename "$f")"; then
      release "$(basename "$f")"
      mkdir -p "$REG"
    fi
  done
  if ! i=$(index_of "$dir"); then
    want=$(cat "$dir/index" 2>/dev/null || true)
    for i in $want $(seq 0 99); do
      # the subnet as /proc/net/route writes it: reversed hexadecimal
      hex=$(printf '00%02X%02X%02X' "$i" "${NET#*.}" "${NET%.*}")
      if [ ! -e "$REG/$i" ] && [ ! -e "/sys/class/net/kn$i" ] && ! cut -f2 /proc/net/route | grep -qx "$hex"; then break; fi
      i=''
    done
    [ -n "$i" ] || die "no free subnet below $NET"
  fi
  printf '%s %s %s\n' "$$" "$(start_time $$)" "$dir" >"$REG/$i"
  echo "$i" >"$dir/index"
  if [ ! -f "$REG/sysctl" ]; then
    for k in $SYSCTLS; do if [ -r "/proc/sys/$k" ]; then printf '%s %s\n' "$k" "$(cat "/proc/sys/$k")"; fi; done >"$REG/sysctl"
  fi
  for d in $PRIVATE; do
    if [ ! -d "$d" ]; then mkdir -p "$d"; chmod 755 "$d"; echo "$d" >>"$REG/made"; fi
  done
  printf '%s\n' "$i"
}

# ---------------------------------------------------------- API server -------
# PKI and address are those that control-plane.sh left in CLUSTER_DIR. HTTP/1.0 makes
# the server close the connection after its answer.
api() { # CLUSTER METHOD PATH [TYPE BODY] -> headers and body
  local port
  port=$(sed -nE 's#^ *server: https://127\.0\.0\.1:([0-9]+).*#\1#p' "$1/kubeconfig")
  { printf '%s %s HTTP/1.0\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n' "$2" "$3"
    if [ -n "${5:-}" ]; then printf 'Content-Type: %s\r\nContent-Length: %s\r\n' "$4" "${#5}"; fi
    printf '\r\n%s' "${5:-}"
  } | timeout 10 openssl s_client -quiet -verify_return_error -connect "127.0.0.1:$port" -CAfile "$1/pki/ca.crt" \
    -cert "$1/pki/admin.crt" -key "$1/pki/admin.key" 2>/dev/null || true
}
node_ready() { # CLUSTER NAME KUBELET_START: Ready, and said so by this kubelet
  local a beat
  a=$(api "$1" GET "/api/v1/nodes/$2" | tr -d ' \n\r')
  # the conditions' fields come in this order: type, status, lastHeartbeatTime
  beat=$(sed -nE 's/.*"type":"Ready","status":"True","lastHeartbeatTime":"([^"]*)".*/\1/p' <<<"$a")
  [ -n "$beat" ] && [ "$(date -d "$beat" +%s)" -ge "$3" ]
}

# ---------------------------------------------------------------- start ------
write_configs() { # NODE INDEX CLUSTER NAME
  local n=$1 i=$2 c=$3 name=$4 gw=$NET.$2.1 snap=${KUBE_NODE_SNAPSHOTTER:-}
  if [ -z "$snap" ]; then
    case $(stat -f -c %T "$n") in overlay*) snap=native ;; *) snap=overlayfs ;; esac
  fi
  mkdir -p "$n/cni" "$n/private" "$n/kubelet"
  cat >"$n/cni/10-kube-node.conflist" <<EOF
{"cniVersion":"0.4.0","name":"kube-node","plugins":[{"type":"bridge","bridge":"kn$i","isGateway":true,"ipMasq":false,
"ipam":{"type":"host-local","dataDir":"$n/ipam","ranges":[[{"subnet":"$NET.$i.0/24","gateway":"$gw","rangeStart":"$NET.$i.10"}]],
"routes":[{"dst":"0.0.0.0/0"}]}}]}
EOF
  # restrict_oom_score_adj: runc fails in machines without CAP_SYS_RESOURCE otherwise.
  cat >"$n/containerd.toml" <<EOF
version = 2
root = "$n/containerd"
state = "$n/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt"]
[grpc]
  address = "$n/run/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$PAUSE"
  stream_server_address = "127.0.0.1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$HOME_DIR/root/usr/lib/cni"
    conf_dir = "$n/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "$snap"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      BinaryName = "$HOME_DIR/root/usr/sbin/runc"
EOF
  cat >"$n/kubelet.yaml" <<EOF
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $gw
port: 10250
healthzPort: 0
readOnlyPort: 0
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: "$c/pki/ca.crt"}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupRoot: /kube-node-$i
enforceNodeAllocatable: []
failSwapOn: false
makeIPTablesUtilChains: false
nodeStatusUpdateFrequency: 2s
volumePluginDir: "$n/kubelet/volume-plugins"
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
maxPods: 60
EOF
  # A certificate as the node authorizer wants it, made anew at every start.
  openssl ecparam -name prime256v1 -genkey -noout -out "$n/node.key"
  openssl req -new -sha256 -key "$n/node.key" -subj "/O=system:nodes/CN=system:node:$name" -out "$n/node.csr"
  openssl x509 -req -sha256 -in "$n/node.csr" -CA "$c/pki/ca.crt" -CAkey "$c/pki/ca.key" -days 3650 \
    -set_serial "0x$(openssl rand -hex 16)" -out "$n/node.crt" 2>/dev/null
  rm -f "$n/node.csr"
  cat >"$n/kubeconfig" <<EOF
apiVersion: v1
kind: Config
current-context: node
clusters: [{name: cluster, cluster: {server: "$(awk '$1 == "server:" {print $2}' "$c/kubeconfig")", certificate-authority: "$c/pki/ca.crt"}}]
users: [{name: node, user: {client-certificate: "$n/node.crt", client-key: "$n/node.key"}}]
contexts: [{name: node, context: {cluster: cluster, user: node}}]
EOF
  # What runs first in the node's own mount namespace: private copies of the
  # folders that are hard-coded in the kubelet, libcni and the shim.
  cat >"$n/run/enter.sh" <<EOF
set -e
cgroups() { local r; for r in $(cgroup_roots | tr '\n' ' '); do echo \$\$ >"\$r/kube-node-$i/system/cgroup.procs"; done; }
cgroups
if [ "\$1" = new ]; then
  for d in /var/log $PRIVATE; do mkdir -p "$n/private\$d"; mount --bind "$n/private\$d" "\$d"; done
fi
shift
exec "\$@"
EOF
}
ctr() { # NODE ARGS...
  local n=$1
  shift
  "$HOME_DIR/root/usr/bin/ctr" -a "$n/run/containerd.sock" -n k8s.io "$@"
}
import_image() { # NODE TAR
  # inside the node's mount namespace, where its snapshots are mounted
  nsenter -t "$(alive "$1" containerd)" -m -- "$HOME_DIR/root/usr/bin/ctr" -a "$1/run/containerd.sock" -n k8s.io images import "$2"
}
failed_start() { # NODE PROCESS
  log "$2 did not come up; the end of $1/log/$2.log:"
  tail -n 10 "$1/log/$2.log" >&2 || true
  grep -m 1 -E '^F[0-9]{4} ' "$1/log/$2.log" >&2 || true # the reason, above a Go stack trace
  stop_node "$1"
  exit 1
}
tools() {
  HOME_DIR=$(node_home) || die "not built yet"
  BB=$(busybox_in "$HOME_DIR/root")
}

cmd_start() {
  local cluster node name=${3:-} i gw end pid t0=$SECONDS born bin p
  need_root start
  need openssl awk setsid unshare nsenter flock timeout stat
  [ -n "$name" ] || die "usage: start CLUSTER_DIR NODE_DIR NAME"
  if ! { [ -s "$1/kubeconfig" ] && alive "$1" kube-apiserver >/dev/null; }; then
    die "no running cluster in $1 (control-plane.sh start $1)"
  fi
  cluster=$(cd "$1" && pwd -P)
  pid=$(alive "$cluster" kube-apiserver)
  tr '\0' '\n' <"/proc/$pid/cmdline" | grep -q 'kubelet-preferred-address-types' ||
    log "warning: logs, exec and port-forward need the cluster started with KUBE_DEV_APISERVER_ARGS=--kubelet-preferred-address-types=InternalIP"
  if ! { node_home && bin=$(kube_dev path); } >/dev/null 2>&1; then (cmd_build); fi
  bin=$(kube_dev path)
  tools
  node=$(state_dir "$2")
  case $node in *[[:space:]\"\'\\]* | /var/log/* | /var/lib/cni* | /var/lib/kubelet* | /run/containerd*) die "NODE_DIR $node: not there, and no blanks or quotes" ;; esac
  lock_dir "$node"

  if alive "$node" containerd >/dev/null; then
    if alive "$node" kubelet >/dev/null && [ "$(cat "$node/run/joined" 2>/dev/null)" = "$cluster $name $(awk '$1 == "server:" {print $2}' "$cluster/kubeconfig")" ] &&
      node_ready "$cluster" "$name" 0; then
      log "already running: $name"
      patch_gpus "$cluster" "$name"
      return 0
    fi
    end_process "$node" kubelet # it is started again below; pods live on
  fi
  if ! alive "$node" containerd >/dev/null; then stop_node "$node"; fi # leftovers of a crash

  reg_lock
  i=$(claim "$node")
  gw=$NET.$i.1
  cgroup_make "$i"
  if [ ! -e "/sys/class/net/kn$i" ]; then
    { "$BB" ip link add "kn$i" type bridge && "$BB" ip addr add "$gw/24" dev "kn$i" && "$BB" ip link set "kn$i" up; } ||
      { release "$i"; die "making the bridge kn$i failed"; }
  fi
  reg_unlock
  write_configs "$node" "$i" "$cluster" "$name"

  local paths=$HOME_DIR/root/usr/sbin:$HOME_DIR/root/usr/bin:$PATH
  local libs; libs=$(find "$HOME_DIR/root/usr/lib" -name 'libseccomp.so.2' -printf '%h\n' -quit)
  if ! alive "$node" containerd >/dev/null; then
    PATH=$paths LD_LIBRARY_PATH=$libs spawn "$node" containerd unshare -m --propagation private \
      bash "$node/run/enter.sh" new "$HOME_DIR/root/usr/bin/containerd" -c "$node/containerd.toml"
    end=$((SECONDS + TIMEOUT))
    until ctr "$node" version >/dev/null 2>&1; do
      if ! alive "$node" containerd >/dev/null || [ "$SECONDS" -ge "$end" ]; then failed_start "$node" containerd; fi
      sleep 0.1
    done
    for p in "$HOME_DIR"/img/*.tar; do import_image "$node" "$p" >/dev/null || failed_start "$node" containerd; done
  fi
  born=$(date +%s)
  # shellcheck disable=SC2086
  PATH=$paths spawn "$node" kubelet nsenter -t "$(alive "$node" containerd)" -m -- \
    bash "$node/run/enter.sh" again "$bin/kubelet" --config "$node/kubelet.yaml" --kubeconfig "$node/kubeconfig" \
    --hostname-override "$name" --node-ip "$gw" --root-dir "$node/kubelet" --cert-dir "$node/kubelet/pki" \
    --container-runtime remote \
    --container-runtime-endpoint "unix://$node/run/containerd.sock" --image-service-endpoint "unix://$node/run/containerd.sock" \
    ${KUBE_NODE_KUBELET_ARGS:-}
  end=$((SECONDS + TIMEOUT))
  until node_ready "$cluster" "$name" "$born"; do
    if ! alive "$node" kubelet >/dev/null || [ "$SECONDS" -ge "$end" ]; then failed_start "$node" kubelet; fi
    sleep 0.2
  done
  printf '%s %s %s\n' "$cluster" "$name" "$(awk '$1 == "server:" {print $2}' "$cluster/kubeconfig")" >"$node/run/joined"
  patch_gpus "$cluster" "$name"
  log "$name Ready in $((SECONDS - t0)) s; address $gw"
}
patch_gpus() { # CLUSTER NAME
  [ -n "$GPUS" ] || return 0
  local a
  case $GPUS in *[!0-9]*) die "KUBE_NODE_GPUS is not a number" ;; esac
  a=$(api "$1" PATCH "/api/v1/nodes/$2/status" application/merge-patch+json \
    "{\"status\":{\"capacity\":{\"nvidia.com/gpu\":\"$GPUS\"},\"allocatable\":{\"nvidia.com/gpu\":\"$GPUS\"}}}")
  case ${a%%$'\r'*} in *' 200 '*) ;; *) die "patching nvidia.com/gpu failed: ${a:0:300}" ;; esac
}

# ----------------------------------------------------------------- stop ------
stop_node() { # NODE
  local i
  end_process "$1" kubelet
  end_process "$1" containerd
  reg_lock
  # The cgroup holds every shim and container process; with the last of them the
  # mount namespace, the network namespaces and their interfaces go as well.
  if i=$(index_of "$1"); then release "$i"; fi
  reg_unlock
  rm -rf "$1/run/containerd" "$1/run/containerd.sock" "$1/run/containerd.sock.ttrpc" "$1/run/joined" "$1/ipam" "$1/private/run"
}
cmd_stop() {
  local node
  need_root stop
  [ -n "${1:-}" ] || die "which NODE_DIR?"
  [ -d "$1/run" ] || { log "nothing was started in $1"; return 0; }
  tools
  node=$(state_dir "$1")
  lock_dir "$node"
  stop_node "$node"
  log "stopped: $node"
}
cmd_load() {
  local node
  need_root load
  [ $# = 2 ] || die "usage: load NODE_DIR IMAGE.tar"
  need nsenter
  tools
  [ -s "$2" ] || die "no file $2"
  alive "$1" containerd >/dev/null || die "no running node in $1"
  node=$(cd "$1" && pwd -P)
  import_image "$node" "$(cd "$(dirname "$2")" && pwd -P)/$(basename "$2")" >&2
}
cmd_status() {
  local n pid rc=0
  [ -d "${1:-}/run" ] || die "nothing was started in ${1:-?}"
  for n in containerd kubelet; do
    if pid=$(alive "$1" "$n"); then
      printf '%-12s up, pid %s, %s KiB\n' "$n" "$pid" "$(awk '/^VmRSS/ {print $2}' "/proc/$pid/status")"
    else
      printf '%-12s down\n' "$n"
      rc=1
    fi
  done
  return "$rc"
}

cmd=${1:-}
[ $# = 0 ] || shift
case $cmd in
build) cmd_build ;;
image) cmd_image "$@" ;;
load) cmd_load "$@" ;;
start) cmd_start "${1:-}" "${2:-}" "${3:-}" ;;
stop) cmd_stop "${1:-}" ;;
status) cmd_status "${1:-}" ;;
*) sed -n '2,/^set -e/{/^#/!d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac

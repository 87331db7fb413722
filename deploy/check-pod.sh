#!/usr/bin/env bash
# Runs the overlay `small` for real: the image's folder as an image, on a kubelet and containerd of its own, as the manifests say. The pod must become
# ready, serve, take commands, keep its data over a restart, and do no more than it may.
# Usage: deploy/check-pod.sh [PROGRAM]; needs root and kubectl. PROGRAM is the release build where none is given.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/.."
program=$(realpath "${1:-$(cargo metadata --no-deps --format-version 1 | grep -oE '"target_directory":"[^"]+' | cut -d'"' -f4)/release/slipway}")
[[ -x $program ]] || { echo "$program is not there: make build" >&2; exit 1; }
((EUID == 0)) || { echo "running a pod needs root" >&2; exit 1; }
command -v kubectl >/dev/null || { echo "running a pod needs kubectl (on Debian: apt install kubernetes-client)" >&2; exit 1; }
if [[ -z ${SLIPWAY_TEST_KUBECONFIG:-} ]]; then
  # A disk that is nearly full is the machine's affair.
  export KUBE_NODE_KUBELET_ARGS="--eviction-hard=nodefs.available<1%,imagefs.available<1% ${KUBE_NODE_KUBELET_ARGS:-}"
  exec scripts/with-kubernetes.sh "$here/check-pod.sh" "$program"
fi
[[ -n ${SLIPWAY_TEST_KUBERNETES_NODE:-} ]] || { echo "this machine can have no real node: nothing was run" >&2; exit 1; }

started=$EPOCHREALTIME passed=0 failed=0 volume=
folder=$(mktemp -d /tmp/slipway-pod.XXXXXX)
finish() {
  rm -rf "$folder"
  [[ $volume != /tmp/hostpath_pv/?* ]] || rm -rf "$volume"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
kube() { kubectl --kubeconfig "$SLIPWAY_TEST_KUBECONFIG" --namespace slipway "$@"; }
expect() { # WHAT COMMAND…
  local what=$1
  shift
  if "$@" >"$folder/said" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $what"
  else
    failed=$((failed + 1))
    echo "FAILED  $what"
    tail -n 20 "$folder/said"
  fi
}
slipway() { kube exec --stdin deploy/slipway -- slipway "$@"; }
pod() { kube get pods --field-selector=status.phase=Running --output "jsonpath={.items[0]$1}"; }
portal() { curl -sS --max-time 10 --header 'Host: slipway.example.com' "http://$(pod .status.podIP):3000$1"; }

deploy/image/root.sh "$program" "$folder/root"
# The Dockerfile gives this folder away as it copies it.
chown 65532:65532 "$folder/root/data"
deploy/dev-cluster/node.sh image localhost/slipway:1 "$folder/root" /usr/bin/slipway "$folder/image.tar" 2>/dev/null
deploy/dev-cluster/node.sh load "$(dirname "$SLIPWAY_TEST_KUBECONFIG")/../node" "$folder/image.tar" >/dev/null 2>&1
mkdir "$folder/own"
cat >"$folder/own/kustomization.yaml" <<YAML
resources: [$(realpath --relative-to="$folder/own" deploy/overlays/small)]
images: [{name: slipway, newName: localhost/slipway, newTag: "1"}]
YAML
cat >"$folder/class.yaml" <<YAML
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: default, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: kubernetes.io/host-path
YAML
$(deploy/kustomize.sh) "$folder/own" >"$folder/all.yaml"

bound() {
  for _ in {1..100}; do
    volume=$(kube get persistentvolumes --output 'jsonpath={.items[0].spec.hostPath.path}' 2>/dev/null) || volume=
    [[ -z $volume ]] || break
    sleep 0.2
  done
  # What fsGroup does on volumes that honour it, which folders of the node do not.
  chgrp 65532 "$volume" && chmod 2770 "$volume"
}
ready() { kube rollout status deploy/slipway --timeout=120s || { kube describe pods; kube logs deploy/slipway; false; }; }
as_root_no() { [[ $(pod .spec.containers[0].securityContext.readOnlyRootFilesystem) == true ]] && ! slipway backup /portal.backup; }
again() {
  kube rollout restart deploy/slipway && ready || return 1
  # It finds other things to say: the image has no Python for notebooks in the pod itself.
  grep 'sqlite answers; 1 users' <<<"$(slipway check 2>&1 || true)"
}

expect 'the cluster takes the manifests' kube apply --filename "$folder/class.yaml" --filename "$folder/all.yaml"
expect 'the volume is there' bound
expect 'the pod becomes ready' ready
expect 'it is ready for requests' sh -c "[ '$(portal /readyz)' = ready ]"
expect 'it shows the first page' grep -q '<h1' <(portal /setup)
expect 'it answers to no other host' sh -c "curl -s --max-time 5 -o /dev/null -w '%{http_code}' 'http://$(pod .status.podIP):3000/' | grep -qx 421"
expect 'it makes the first administrator' slipway user add ada@example.com --admin --password-stdin <<<'a long password'
expect 'it writes a backup to its volume' slipway backup /data/portal.backup
expect 'it cannot write elsewhere' as_root_no
json() { kube logs deploy/slipway >"$folder/log" && ! grep -v -e '^{.*}$' -e '^Slipway serves' -e '^This portal has no user' "$folder/log"; }
expect 'it logs in JSON' json
expect 'it keeps its data over a restart' again
took=$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
if ((failed)); then echo "$failed failed, $passed passed in ${took}s"; exit 1; fi
echo "$passed passed in ${took}s"

#!/usr/bin/env bash
# Runs a command beside an own Kubernetes control plane, made in a temporary folder on free loopback ports and removed afterwards; where the user is
# root, with a real node beside it.
# Usage: scripts/with-kubernetes.sh COMMAND [ARGUMENT…]; the command finds it in SLIPWAY_TEST_KUBECONFIG and KUBECONFIG, and the real node's name in
# SLIPWAY_TEST_KUBERNETES_NODE. The first time it builds what it needs (3 to 10 minutes), see deploy/dev-cluster/README.md.
set -euo pipefail
(($#)) || { echo "usage: $0 COMMAND [ARGUMENT…]" >&2; exit 2; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../deploy/dev-cluster" && pwd)
node=
if ((EUID == 0)) && [[ ${SLIPWAY_TEST_KUBERNETES_NODE:-} != none ]]; then
  node=slipway-real
  "$here/node.sh" build
  # Logs and port-forwards find the node by its address; it has no name in any DNS.
  export KUBE_DEV_APISERVER_ARGS="${KUBE_DEV_APISERVER_ARGS:-} --kubelet-preferred-address-types=InternalIP"
else
  "$here/control-plane.sh" build
fi

folder=$(mktemp -d /tmp/slipway-kubernetes.XXXXXX)
finish() {
  cd /
  [[ -z $node ]] || "$here/node.sh" stop "$folder/node" >/dev/null 2>&1 || true
  "$here/control-plane.sh" stop "$folder/cluster" >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$here/control-plane.sh" start "$folder/cluster"
export SLIPWAY_TEST_KUBECONFIG=$folder/cluster/kubeconfig KUBECONFIG=$folder/cluster/kubeconfig SLIPWAY_TEST_KUBERNETES_NODE=$node
if [[ -n $node ]]; then
  # A container that cannot mount or make networks has no real node; what needs one says so.
  "$here/node.sh" start "$folder/cluster" "$folder/node" "$node" || { node=; export SLIPWAY_TEST_KUBERNETES_NODE=; }
fi
"$@"

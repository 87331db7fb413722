#!/usr/bin/env bash
# The Python that has MLflow's own client, made on first use; runs it with the given arguments, or only sees to it where there are none.
set -euo pipefail
folder=$(cd "$(dirname "$0")/.." && pwd)
export SLIPWAY_MLFLOW_VENV=${SLIPWAY_MLFLOW_VENV:-${SLIPWAY_CI_CACHE:-$HOME/.cache/slipway-ci}/mlflow-venv}
wanted=$folder/end2end/mlflow/requirements.txt
if ! cmp -s "$wanted" "$SLIPWAY_MLFLOW_VENV/installed.txt"; then
  echo "installing MLflow's client into $SLIPWAY_MLFLOW_VENV"
  python3 -m venv --clear "$SLIPWAY_MLFLOW_VENV"
  "$SLIPWAY_MLFLOW_VENV/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
  cp "$wanted" "$SLIPWAY_MLFLOW_VENV/installed.txt"
fi
(($#)) || exit 0
exec "$SLIPWAY_MLFLOW_VENV/bin/python" -B "$@"

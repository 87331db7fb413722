"""`slipway demo`: fills a portal that is being served, through the client of this very environment, and leaves nothing behind."""

import subprocess
import sys

import pytest
from conftest import BINARY


def run(portal, *arguments):
    command = [BINARY, "demo", "--data", portal.data, "--python", sys.executable, *arguments]
    return subprocess.run(command, env=portal.environment, capture_output=True, text=True, timeout=900, stdin=subprocess.DEVNULL)


def test_a_demo_fills_every_page_and_is_removed_with_one_command(portal, monkeypatch):
    team = f"demo-{portal.mark}"
    try:
        made = run(portal, "--team", team)
        assert made.returncode == 0, made.stdout + made.stderr
        assert "demo data" in made.stdout and "slipway demo --remove" in made.stdout
        token = portal.token("ada.demo", team, "viewer")

        import mlflow

        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
        mlflow.set_tracking_uri(portal.uri)
        client = mlflow.MlflowClient()
        experiments = {e.name: e for e in client.search_experiments() if e.name != "Default"}
        assert set(experiments) == {"churn", "digits", "diabetes-progress", "help-desk"}
        assert all(e.tags["demo"] == "yes" for e in experiments.values())
        runs = client.search_runs([e.experiment_id for e in experiments.values()], max_results=1000)
        assert len(runs) >= 15 and any(r.info.status == "FAILED" for r in runs) and all(r.data.tags["demo"] == "yes" for r in runs)
        boosted = next(r for r in runs if r.info.run_name.startswith("boosted-depth-3"))
        assert len(client.get_metric_history(boosted.info.run_id, "val_loss")) > 100
        assert boosted.data.metrics["val_auc"] > 0.7 and boosted.inputs.dataset_inputs
        assert {"evaluation", "report.md"} <= {f.path for f in client.list_artifacts(boosted.info.run_id)}
        assert any("mlflow.parentRunId" in r.data.tags for r in runs)
        assert str(client.get_model_version_by_alias("churn", "champion").version) == "3"
        # A promotion of the fourth version waits; the alias is protected from now on.
        with pytest.raises(mlflow.MlflowException, match="promot"):
            member = portal.token("ben.demo", team, "member")
            monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", member)
            client.set_registered_model_alias("churn", "champion", "4")
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
        assert client.search_traces(locations=[experiments["help-desk"].experiment_id])

        again = run(portal, "--team", f"{team}-2")
        assert again.returncode == 1 and "demo data already" in again.stderr
        unsure = run(portal, "--remove")
        assert unsure.returncode == 1 and "--yes" in unsure.stderr
    finally:
        gone = run(portal, "--remove", "--yes")
    assert gone.returncode == 0, gone.stderr
    after = run(portal, "--remove", "--yes")
    assert after.returncode == 1 and "no demo data" in after.stderr

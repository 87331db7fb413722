"""Unmodified scripts log to Slipway: runs, metrics, params, tags, nested runs, searches, histories."""

import math
import os

import pytest
from conftest import as_person


def test_a_script_logs_and_finds_its_run(ada):
    with ada.start_run(run_name="first") as run:
        ada.log_params({"lr": 0.1, "layers": 3})
        ada.log_metrics({"loss": 1.0, "acc": 0.5}, step=1)
        ada.log_metrics({"loss": 0.5, "acc": 0.75}, step=2)
        ada.set_tags({"stage": "dev"})
    found = ada.get_run(run.info.run_id)
    assert (found.info.status, found.info.run_name) == ("FINISHED", "first")
    assert found.info.end_time >= found.info.start_time
    assert found.data.metrics == {"loss": 0.5, "acc": 0.75}
    assert found.data.params == {"lr": "0.1", "layers": "3"}
    assert found.data.tags["stage"] == "dev"
    history = ada.MlflowClient().get_metric_history(run.info.run_id, "loss")
    assert [(m.step, m.value) for m in history] == [(1, 1.0), (2, 0.5)]


def test_a_failing_block_marks_the_run(ada):
    with pytest.raises(ValueError):
        with ada.start_run() as run:
            raise ValueError("no")
    assert ada.get_run(run.info.run_id).info.status == "FAILED"


def test_nested_runs_know_their_parent(ada):
    with ada.start_run() as parent:
        with ada.start_run(nested=True) as child:
            ada.log_metric("m", 1)
    assert ada.get_parent_run(child.info.run_id).info.run_id == parent.info.run_id
    found = ada.search_runs(filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert list(found["run_id"]) == [child.info.run_id]


def test_runs_are_searched_into_a_frame(ada):
    for i in range(6):
        with ada.start_run(run_name=f"run-{i}"):
            ada.log_param("kind", "even" if i % 2 == 0 else "odd")
            ada.log_metric("score", i / 10)
    frame = ada.search_runs(filter_string="params.kind = 'odd' AND metrics.score > 0.1", order_by=["metrics.score DESC"])
    assert list(frame["tags.mlflow.runName"]) == ["run-5", "run-3"]
    assert list(frame["metrics.score"]) == [0.5, 0.3]
    assert len(ada.search_runs(max_results=4)) == 4


def test_values_that_are_no_ordinary_numbers_survive(ada):
    with ada.start_run() as run:
        for key, value in [("nan", math.nan), ("inf", math.inf), ("small", 5e-324), ("third", 1 / 3)]:
            ada.log_metric(key, value)
    metrics = ada.get_run(run.info.run_id).data.metrics
    assert math.isnan(metrics["nan"]) and metrics["inf"] > 1e308
    assert (metrics["small"], metrics["third"]) == (5e-324, 1 / 3)


def test_a_long_history_is_whole(ada):
    from mlflow.entities import Metric

    client = ada.MlflowClient()
    with ada.start_run() as run:
        for start in range(0, 10_000, 1000):
            client.log_batch(run.info.run_id, metrics=[Metric("loss", i * 0.5, 1_700_000_000_000 + i, i) for i in range(start, start + 1000)])
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [m.step for m in history] == list(range(10_000))
    assert history[-1].value == 9999 * 0.5


def test_asynchronous_logging_arrives(ada):
    with ada.start_run() as run:
        for i in range(50):
            ada.log_metric("m", i, step=i, synchronous=False)
        ada.flush_async_logging()
    assert len(ada.MlflowClient().get_metric_history(run.info.run_id, "m")) == 50


def test_a_param_never_changes(ada):
    with ada.start_run():
        ada.log_param("lr", 1)
        ada.log_param("lr", 1)
        with pytest.raises(ada.exceptions.MlflowException) as refused:
            ada.log_param("lr", 2)
        assert refused.value.error_code == "INVALID_PARAMETER_VALUE"


def test_datasets_are_kept_with_the_run(ada):
    import pandas

    frame = pandas.DataFrame({"x": [1, 2, 3], "y": [0, 1, 0]})
    with ada.start_run() as run:
        ada.log_input(ada.data.from_pandas(frame, name="sample", targets="y"), context="training")
    inputs = ada.get_run(run.info.run_id).inputs.dataset_inputs
    assert [(i.dataset.name, [t.value for t in i.tags]) for i in inputs] == [("sample", ["training"])]


def test_deleted_things_come_back(ada):
    client = ada.MlflowClient()
    experiment = client.create_experiment(f"gone-{os.urandom(4).hex()}")
    run = client.create_run(experiment).info.run_id
    client.delete_experiment(experiment)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    client.restore_experiment(experiment)
    assert client.get_run(run).info.lifecycle_stage == "active"


def test_every_team_has_its_own_default_experiment(portal, monkeypatch):
    client = as_person(portal, monkeypatch, portal.ada).MlflowClient()
    run = client.create_run("0", run_name="in red").info.run_id
    assert client.get_experiment("0").name == "Default"
    other = as_person(portal, monkeypatch, portal.eve).MlflowClient()
    assert other.get_experiment("0").name == "Default"
    assert run not in [r.info.run_id for r in other.search_runs(["0"])]


def test_another_team_sees_nothing(portal, monkeypatch, api):
    client = as_person(portal, monkeypatch, portal.ada).MlflowClient()
    name = f"secret-{os.urandom(4).hex()}"
    experiment = client.create_experiment(name)
    run = client.create_run(experiment).info.run_id
    foreign = api("GET", f"/api/2.0/mlflow/runs/get?run_id={run}", portal.eve)
    missing = api("GET", f"/api/2.0/mlflow/runs/get?run_id={'f' * 32}", portal.eve)
    assert (foreign.status_code, foreign.content) == (missing.status_code, missing.content) == (404, missing.content)
    for path in (f"experiments/get?experiment_id={experiment}", f"experiments/get-by-name?experiment_name={name}"):
        assert api("GET", f"/api/2.0/mlflow/{path}", portal.eve).status_code == 404
    found = api("POST", "/ajax-api/2.0/mlflow/runs/search", portal.eve, json={"experiment_ids": [experiment]})
    assert found.json().get("runs", []) == []
    # The name is free for the other team.
    assert api("POST", "/api/2.0/mlflow/experiments/create", portal.eve, json={"name": name}).status_code == 200


def test_a_viewer_reads_and_writes_nothing(portal, monkeypatch, api):
    client = as_person(portal, monkeypatch, portal.ada).MlflowClient()
    run = client.create_run("0").info.run_id
    assert api("GET", f"/api/2.0/mlflow/runs/get?run_id={run}", portal.vera).status_code == 200
    refused = api("POST", "/api/2.0/mlflow/runs/set-tag", portal.vera, json={"run_id": run, "key": "a", "value": "b"})
    assert (refused.status_code, refused.json()["error_code"]) == (403, "PERMISSION_DENIED")


def test_basic_and_bearer_both_work_and_nothing_else(portal, api):
    import requests

    path = portal.uri + "/api/2.0/mlflow/experiments/get?experiment_id=0"
    assert requests.get(path, auth=("ada", portal.ada), timeout=60).status_code == 200
    assert api("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0", portal.ada).status_code == 200
    for wrong in (None, "nothing", "slw_" + "a" * 43):
        answer = api("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0", wrong)
        assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHENTICATED")


def test_what_is_not_there_says_so(portal, api):
    answer = api("GET", "/api/3.0/mlflow/gateway/secrets/list", portal.ada)
    assert (answer.status_code, answer.json()["error_code"]) == (501, "NOT_IMPLEMENTED")
    assert api("GET", "/api/2.0/mlflow/nothing/here", portal.ada).status_code == 404

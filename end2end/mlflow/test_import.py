"""`slipway import mlflow` from a real MLflow server: killed at random moments, started again, and in the end equal in the eyes of MLflow's own client."""

import hashlib
import json
import math
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from conftest import BINARY

POINTS = 20_000
LEAST_KILLS = 3
KILLS = 12


class Source:
    """A real MLflow server with a database and artifacts of its own."""

    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{port}"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_TRACKING")}
        self.log = open(folder / "source.log", "wb")
        command = [Path(sys.executable).with_name("mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
                   "--backend-store-uri", f"sqlite:///{folder}/source.db", "--artifacts-destination", str(folder / "source-artifacts")]
        # A group of its own, since it starts workers that outlive it otherwise.
        self.process = subprocess.Popen(command, env=environment, stdout=self.log, stderr=self.log, start_new_session=True)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(self.uri + "/health").read()
                return
            except OSError:
                assert self.process.poll() is None, "MLflow's server ended while it was starting"
                time.sleep(0.1)
        raise AssertionError("MLflow's server does not answer")

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    source = Source(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_TOKEN", raising=False)
        fill(look_at(source.uri), folder)
    yield source
    source.stop()


@pytest.fixture
def team(portal):
    """A team that gets everything, and a token of it."""
    person, name = f"ada-{portal.mark}", f"import-{random.randrange(1 << 32):08x}"
    portal.command("team", "add", name)
    portal.command("team", "member", name, f"{person}@example.com", "admin")
    return name, portal.token(person, name, "admin")


def look_at(uri):
    import mlflow

    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    while mlflow.active_run():
        mlflow.end_run()
    return mlflow


def fill(mlflow, folder):
    import pandas
    from mlflow.entities import Metric, Param, RunTag

    client = mlflow.MlflowClient()

    class Echo(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input: list[str], params=None) -> list[str]:
            return ["echo " + text for text in model_input]

    mlflow.set_experiment("vision")
    mlflow.set_experiment_tag("purpose", "tests äöü")
    files = folder / "files"
    for place in ("plots/deep/er", "checkpoints"):
        (files / place).mkdir(parents=True)
    (files / "big.bin").write_bytes(random.Random(1).randbytes(5 << 20))
    (files / "empty.txt").write_bytes(b"")
    (files / "plots/deep/er/with blank ü.txt").write_text("deep")
    for i in range(60):
        (files / f"checkpoints/{i:03}.bin").write_bytes(bytes([i]) * (i * 11))
    with mlflow.start_run(run_name="parent", description="A note.\nOf two lines.") as parent:
        mlflow.log_params({"lr": 0.1, "long": "x" * 6000, "empty-ish": " "})
        mlflow.set_tags({"team": "vision", "long": "ü" * 5000})
        mlflow.log_artifacts(files, "files")
        mlflow.log_input(mlflow.data.from_pandas(pandas.DataFrame({"x": [1, 2]}), name="train-set"), context="training")
        for i in range(3):
            with mlflow.start_run(nested=True, run_name=f"child-{i}"):
                mlflow.log_metric("loss", 1 / (i + 1), step=i)
    many = client.create_run(parent.info.experiment_id, run_name="many points").info.run_id
    values = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-300] + [math.sin(i) for i in range(POINTS - 6)]
    now = 1_790_000_000_000
    for start in range(0, POINTS, 1000):
        batch = [Metric("curve/a b", values[i], now + i // 3, i - 5) for i in range(start, start + 1000)]
        client.log_batch(many, metrics=batch)
    client.log_batch(many, metrics=[Metric(f"m{i}", float(i), now, 0) for i in range(30)])
    client.set_terminated(many, "FAILED", end_time=now + 60_000)
    for i in range(40):
        run = client.create_run(parent.info.experiment_id, start_time=now + i, tags={"i": str(i)}).info.run_id
        client.log_batch(run, params=[Param(f"p{j}", str(j * i)) for j in range(20)], tags=[RunTag("late", "yes")],
                         metrics=[Metric("acc", i / 40, now + i, 0)])
        client.set_terminated(run, ["FINISHED", "KILLED"][i % 2], end_time=now + i + 5)
    gone = client.create_run(parent.info.experiment_id, run_name="gone").info.run_id
    client.log_metric(gone, "loss", 3.0)
    client.log_text(gone, "still readable", "note.txt")
    client.set_terminated(gone)
    client.delete_run(gone)
    going = client.create_run(parent.info.experiment_id, run_name="still going").info.run_id
    client.log_metric(going, "loss", 0.5, timestamp=now, step=0)

    mlflow.set_experiment("registry")
    for i in range(2):
        with mlflow.start_run(run_name=f"trainer-{i}") as trainer:
            mlflow.log_param("seed", i)
            model = mlflow.pyfunc.log_model(name="echo", python_model=Echo(), registered_model_name="echo", pip_requirements=[])
            mlflow.log_metric("score", 0.5 + i, model_id=model.model_id, timestamp=now, step=1)
    client.update_registered_model("echo", "Says it again.")
    client.set_registered_model_tag("echo", "owner", "ada")
    client.update_model_version("echo", "2", "The better one.")
    client.set_model_version_tag("echo", "2", "checked", "yes")
    client.transition_model_version_stage("echo", "1", "Archived")
    client.set_registered_model_alias("echo", "champion", "2")
    client.log_text(trainer.info.run_id, "weights", "plain/weights.txt")
    client.create_registered_model("plain")
    client.create_model_version("plain", f"{trainer.info.artifact_uri}/plain", trainer.info.run_id)
    client.create_model_version("plain", f"{trainer.info.artifact_uri}/plain", trainer.info.run_id)
    client.delete_model_version("plain", "1")
    client.copy_model_version("models:/echo/2", "copied")
    mlflow.genai.register_prompt(name="greeting", template="Hello {{name}}", commit_message="first", tags={"tone": "kind"})
    mlflow.genai.register_prompt(name="greeting", template="Good day {{name}}")

    deleted = client.create_experiment("abandoned")
    run = client.create_run(deleted, run_name="in the abandoned one").info.run_id
    client.log_metric(run, "loss", 1.0)
    client.set_terminated(run)
    client.delete_experiment(deleted)
    default = client.create_run("0", run_name="in the default one").info.run_id
    client.set_terminated(default)


def digest_of(folder):
    # A client puts "registered_model_meta" beside what it has fetched, up to MLflow 3.17.
    files = [f for f in sorted(Path(folder).rglob("*")) if f.is_file() and f.name != "registered_model_meta"]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def without_versions(tags):
    """MLflow writes this tag when a version is made, one of them twice; Slipway makes it of its registry."""
    return {key: value for key, value in tags.items() if key != "mlflow.modelVersions"}


def everything(uri, folder):
    """What MLflow's client sees of a server, with the experiments' ids as their names and without places."""
    from mlflow.entities import ViewType

    mlflow = look_at(uri)
    client = mlflow.MlflowClient()
    experiments = client.search_experiments(view_type=ViewType.ALL)
    names = {e.experiment_id: e.name for e in experiments}
    seen = {"experiments": {}, "runs": {}, "logged models": {}, "models": {}, "versions": {}, "prompts": {}}
    for e in experiments:
        dates = (e.creation_time, e.last_update_time) if e.lifecycle_stage == "active" and e.name != "Default" else None
        seen["experiments"][e.name] = (e.lifecycle_stage, dict(e.tags), dates)
    for run in client.search_runs(list(names), run_view_type=ViewType.ALL, max_results=1000):
        info, data = run.info, run.data
        histories = {key: [(m.step, m.timestamp, repr(m.value)) for m in client.get_metric_history(info.run_id, key)] for key in data.metrics}
        seen["runs"][info.run_id] = {
            "info": (names[info.experiment_id], info.run_name, info.user_id, info.status, info.start_time, info.end_time, info.lifecycle_stage),
            "params": data.params,
            "tags": data.tags,
            "latest": {key: repr(value) for key, value in data.metrics.items()},
            "histories": histories,
            "datasets": [(i.dataset.to_dictionary(), {t.key: t.value for t in i.tags}) for i in run.inputs.dataset_inputs],
            "made": sorted((m.model_id, m.step) for m in run.outputs.model_outputs) if run.outputs else [],
            "files": files_of(client, info.run_id, folder),
        }
    for model in client.search_logged_models([e.experiment_id for e in experiments if e.lifecycle_stage == "active"]):
        place = mlflow.artifacts.download_artifacts(f"models:/{model.model_id}", dst_path=fresh(folder))
        seen["logged models"][model.model_id] = (
            names[model.experiment_id], model.name, model.creation_timestamp, model.last_updated_timestamp, model.source_run_id,
            str(model.status), model.params, without_versions(model.tags), digest_of(place),
            sorted((m.key, repr(m.value), m.timestamp, m.step, m.run_id) for m in model.metrics or []))
    for model in client.search_registered_models():
        seen["models"][model.name] = (model.description or "", model.tags, model.aliases, model.creation_timestamp, model.last_updated_timestamp)
        for v in client.search_model_versions(f"name='{model.name}'"):
            place = mlflow.artifacts.download_artifacts(f"models:/{v.name}/{v.version}", dst_path=fresh(folder))
            source = v.source if v.source.startswith("models:") else v.source.split("/artifacts", 1)[1]
            seen["versions"][f"{v.name}/{v.version}"] = (v.description or "", v.current_stage, v.tags, v.run_id, source, v.creation_timestamp,
                                                         v.last_updated_timestamp, digest_of(place))
    for version in (1, 2):
        prompt = mlflow.genai.load_prompt("greeting", version=version)
        seen["prompts"][version] = (prompt.template, prompt.commit_message or "", prompt.tags)
    seen["prompts"]["found"] = [p.name for p in mlflow.genai.search_prompts()]
    return seen


def fresh(folder):
    place = folder / f"{random.randrange(1 << 64):016x}"
    place.mkdir(parents=True)
    return str(place)


def files_of(client, run, folder):
    return digest_of(client.download_artifacts(run, "", fresh(folder))) if client.list_artifacts(run) else {}


def importing(portal, source, team, *more):
    command = [BINARY, "import", "mlflow", "--from", source.uri, "--team", team, "--data", portal.data, *more]
    return subprocess.Popen(command, env=portal.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def imported(portal, source, team, folder, *more):
    """Imports to the end; the exit status and the report."""
    report = folder / "report.json"
    process = importing(portal, source, team, "--report", report, *more)
    out, err = process.communicate(timeout=600)
    assert report.exists(), err
    return process.returncode, json.loads(report.read_text()), out + err


def test_an_import_that_is_killed_again_and_again_ends_with_everything_once(portal, source, team, monkeypatch, tmp_path):
    import mlflow

    name, token = team
    logging, stop, logged = None, threading.Event(), []

    def log_beside():
        # The portal goes on serving: what others log meanwhile is neither lost nor refused.
        client = mlflow.MlflowClient(portal.uri, portal.uri)
        run = client.create_run(client.create_experiment("beside")).info.run_id
        while not stop.is_set():
            client.log_metric(run, "beside", float(len(logged)), timestamp=1, step=len(logged))
            logged.append(run)

    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
    logging = threading.Thread(target=log_beside)
    logging.start()
    try:
        for kills in range(KILLS):
            process = importing(portal, source, name)
            try:
                # Early ones while runs are copied, later ones also while they are linked and models are made of them.
                process.communicate(timeout=random.uniform(0.15, 0.8 if kills < LEAST_KILLS else 4))
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            else:
                assert kills >= LEAST_KILLS, "it ended before it could be killed"
                break
        status, report, output = imported(portal, source, name, tmp_path)
    finally:
        stop.set()
        logging.join()
    assert (status, report["problems"], report["stopped"]) == (0, [], None), output

    beside = mlflow.MlflowClient(portal.uri, portal.uri)
    steps = [m.step for m in beside.get_metric_history(logged[0], "beside")]
    assert len(logged) > 10 and steps == list(range(len(logged)))
    there = everything(source.uri, tmp_path / "there")
    here = everything(portal.uri, tmp_path / "here")
    del here["experiments"]["beside"], here["runs"][logged[0]]
    for kind in there:
        assert set(here[kind]) == set(there[kind]), kind
        for key in there[kind]:
            assert here[kind][key] == there[kind][key], (kind, key)
    assert max(len(h) for r in here["runs"].values() for h in r["histories"].values()) == POINTS
    model = look_at(portal.uri).pyfunc.load_model("models:/echo@champion")
    assert model.predict(["hello"]) == ["echo hello"]

    # Once more: everything is there, but for the run that goes on, which is looked at.
    status, report, output = imported(portal, source, name, tmp_path)
    assert status == 0, output
    counts = report["counts"]
    assert all(tally["copied"] == tally["failed"] == 0 for tally in counts.values()), counts
    runs, points = there["runs"].values(), lambda run: sum(len(h) for h in run["histories"].values())
    assert counts["runs"]["already_there"] == len(runs)
    assert counts["points"]["already_there"] == sum(points(run) for run in runs)
    files = sum(len(run["files"]) for run in runs) + sum(len(m[8]) for m in there["logged models"].values())
    assert counts["files"]["already_there"] == files
    assert "copied" in output and "already there" in output


def test_a_later_import_brings_what_is_new_and_names_what_cannot_be_kept(portal, source, team, monkeypatch, tmp_path):
    name, token = team
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
    first = imported(portal, source, name, tmp_path)
    assert first[0] == 0, first[2]
    client = look_at(source.uri).MlflowClient()
    experiment = client.get_experiment_by_name("vision").experiment_id
    going = client.search_runs([experiment], "run_name = 'still going'")[0].info.run_id
    for step in range(1, 4):
        client.log_metric(going, "loss", 0.1, timestamp=1_790_000_100_000, step=step)
    client.set_terminated(going, end_time=1_790_000_200_000)
    here = look_at(portal.uri).MlflowClient()
    vision = here.get_experiment_by_name("vision").experiment_id
    before = here.search_runs([vision])
    assert len(before) == len(client.search_runs([experiment])) and {r.info.run_name: r.info.status for r in before}["still going"] == "RUNNING"
    new = client.create_run(experiment, run_name="new", tags={"slipway.team": "blue", "fine": "yes"}).info.run_id
    client.log_text(new, "new", "new.txt")
    client.set_terminated(new)

    status, report, output = imported(portal, source, name, tmp_path)
    assert status == 1, output
    counts = report["counts"]
    assert (counts["runs"]["copied"], counts["points"]["copied"], counts["files"]["copied"], counts["tags"]["failed"]) == (1, 3, 1, 1), counts
    assert [p["what"] for p in report["problems"]] == [f'tag "slipway.team" of run {new}'] and f'tag "slipway.team" of run {new}' in output
    # The search of the portal, which has looked at the experiment before, sees what another process has written.
    found = {r.info.run_name: r for r in here.search_runs([vision])}
    assert len(found) == len(before) + 1 and found["new"].data.tags["fine"] == "yes"
    assert (found["still going"].info.status, found["still going"].info.end_time) == ("FINISHED", 1_790_000_200_000)
    assert [m.step for m in here.get_metric_history(found["still going"].info.run_id, "loss")] == [0, 1, 2, 3]
    client.delete_tag(new, "slipway.team")
    assert imported(portal, source, name, tmp_path)[0] == 0


def test_one_experiment_alone_and_a_run_whose_id_is_taken(portal, source, team, monkeypatch, tmp_path):
    """The other tests' teams have the runs already: here they get other ids, which the report tells."""
    name, token = team
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
    status, report, output = imported(portal, source, name, tmp_path, "--experiment", "vision")
    notes = "\n".join(report["notes"])
    assert status == 0 and "is called" in notes and "were not copied: they come from experiments" in notes, output
    client = look_at(portal.uri).MlflowClient()
    assert {e.name for e in client.search_experiments()} == {"vision", "Default"}
    vision = client.get_experiment_by_name("vision").experiment_id
    parent = client.search_runs([vision], "run_name = 'parent'")[0].info.run_id
    children = client.search_runs([vision], f"tags.`mlflow.parentRunId` = '{parent}'")
    assert {c.info.run_name for c in children} == {"child-0", "child-1", "child-2"}
    assert client.search_registered_models() == []


def test_what_cannot_be_begun_says_why_in_one_line(portal, team, tmp_path):
    name, _ = team
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"

    def refused(uri, team_name):
        command = [BINARY, "import", "mlflow", "--from", uri, "--team", team_name, "--data", portal.data]
        done = subprocess.run(command, env=portal.environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 1 and done.stdout == "", done
        return done.stderr.strip().splitlines()[-1]

    assert "cannot be reached" in refused(nobody, name)
    assert "Leave name and password out" in refused("http://ada:secret@127.0.0.1:1", name)
    assert "No such team" in refused(nobody, "nobody-has-this")

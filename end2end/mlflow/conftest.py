"""A portal for the tests of MLflow's own client: the built binary, a team, people and tokens. Set SLIPWAY_TEST_DATABASE_URL to run on
PostgreSQL, and SLIPWAY_TEST_REPLICAS for so many processes behind one address, to which requests go in turn."""

import os
import secrets
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from replicas import Gateway

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / os.environ.get("SLIPWAY_PROFILE", "release") / "slipway"

# The client must neither ask for long nor tell anybody that it was used.
os.environ.update(
    MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
    MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR="1",
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    GIT_PYTHON_REFRESH="quiet",
)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Portal:
    """The process, its command line, and whom it knows: ada (member of red), vera (viewer of red), eve (member of blue)."""

    def __init__(self, folder):
        replicas = int(os.environ.get("SLIPWAY_TEST_REPLICAS", "1"))
        self.port, *self.replicas = [free_port() for _ in range(1 if replicas == 1 else replicas + 1)]
        self.data = folder / "data"
        self.uri = f"http://localhost:{self.port}"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("SLIPWAY_")}
        if database := os.environ.get("SLIPWAY_TEST_DATABASE_URL"):
            self.environment["SLIPWAY_DATABASE"] = database
        if bucket := os.environ.get("SLIPWAY_TEST_BUCKET"):
            self.environment["SLIPWAY_ARTIFACTS"] = bucket
        self.log = open(folder / "portal.log", "wb")
        self.processes = []
        self.gateway = None

    def command(self, *arguments, text=""):
        done = subprocess.run([BINARY, *arguments, "--data", self.data], env=self.environment, input=text, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self):
        for i, port in enumerate(self.replicas or [self.port]):
            command = [BINARY, "serve", "--data", f"{self.data}-{i}" if i else self.data, "--listen", f"127.0.0.1:{port}", "--public-url", self.uri]
            if i:
                command += ["--secret-key", self.data / "secret.key"]
            process = subprocess.Popen(command, env=self.environment, stdout=self.log, stderr=self.log)
            self.processes.append(process)
            self.wait(process, port)
        if self.replicas:
            self.gateway = Gateway(self.port, self.replicas)

    @staticmethod
    def wait(process, port):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                return urllib.request.urlopen(f"http://localhost:{port}/healthz").read()
            except OSError:
                assert process.poll() is None, "the portal ended while it was starting"
                time.sleep(0.02)
        raise AssertionError("the portal does not answer")

    def stop(self):
        if self.gateway:
            self.gateway.close()
        for process in self.processes:
            process.terminate()
            process.wait()

    def token(self, person, team, role):
        return self.command("token", "create", "--user", f"{person}@example.com", "--team", team, "--role", role)


@pytest.fixture(scope="session")
def portal(tmp_path_factory):
    portal = Portal(tmp_path_factory.mktemp("portal"))
    # On PostgreSQL the database may be shared with an earlier run: people and teams of this run have names of their own.
    portal.mark = secrets.token_hex(3)
    for person, team, role in [("ada", "red", "member"), ("vera", "red", "viewer"), ("eve", "blue", "member")]:
        portal.command("user", "add", f"{person}-{portal.mark}@example.com", "--password-stdin", text="correct horse battery")
        if not hasattr(portal, team):
            setattr(portal, team, f"{team}-{portal.mark}")
            portal.command("team", "add", getattr(portal, team))
        portal.command("team", "member", getattr(portal, team), f"{person}-{portal.mark}@example.com", role)
        setattr(portal, person, portal.token(f"{person}-{portal.mark}", getattr(portal, team), role))
    try:
        portal.start()
        yield portal
    finally:
        portal.stop()


@pytest.fixture
def ada(portal, monkeypatch):
    """MLflow as ada uses it in the team red."""
    return as_person(portal, monkeypatch, portal.ada)


def as_person(portal, monkeypatch, token):
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
    mlflow.set_tracking_uri(portal.uri)
    mlflow.set_registry_uri(portal.uri)
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_experiment(f"test-{secrets.token_hex(4)}")
    return mlflow


@pytest.fixture
def api(portal):
    """A request as a program makes it: `api(method, path, token, json=…)`."""
    import requests

    def call(method, path, token=None, **more):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(method, portal.uri + path, headers={**headers, **more.pop("headers", {})}, timeout=60, **more)

    return call

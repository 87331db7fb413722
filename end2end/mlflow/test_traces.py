"""Traces as MLflow's tracing sends them; the cases are in traces_client.py, which also runs by itself."""

import subprocess
import sys
from pathlib import Path


def test_traced_functions_arrive_and_are_assessed(portal):
    script = Path(__file__).with_name("traces_client.py")
    done = subprocess.run([sys.executable, "-B", script, "--uri", portal.uri, "--token", portal.ada], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr

#!/usr/bin/env python3
"""Logs many runs to an experiment through MLflow's REST API, with Python's own library only.

    MLFLOW_TRACKING_TOKEN=… end2end/seed/runs.py http://localhost:3000 --runs 10000 --metrics 3 --points 20

The server may be a portal or MLflow's own. Prints the experiment's id and how long it took, as JSON. The same seed makes the same numbers.
"""
import argparse
import http.client
import json
import os
import random
import threading
import time
from urllib.parse import urlsplit

# Metrics of one batch: with its params it may hold 1,000.
MOST = 900


class Client:
    """One connection that stays open."""

    def __init__(self, url: str, token: str) -> None:
        self.host = urlsplit(url).netloc
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.connection = http.client.HTTPConnection(self.host, timeout=60)

    def ask(self, name: str, data: dict) -> dict:
        body = json.dumps(data)
        for attempt in range(8):
            try:
                self.connection.request("POST", f"/api/2.0/mlflow/{name}", body, self.headers)
                answer = self.connection.getresponse()
                text = answer.read()
            except (http.client.HTTPException, OSError):
                self.connection = http.client.HTTPConnection(self.host, timeout=60)
                if attempt == 7:
                    raise
                continue
            if answer.status == 429:
                time.sleep(float(answer.headers.get("Retry-After", "1")))
                continue
            if answer.status != 200:
                raise SystemExit(f"{name}: {answer.status} {text[:500]!r}")
            return json.loads(text)
        raise SystemExit(f"{name}: the server asks to slow down, again and again")


def curve(dice: random.Random, last: float, points: int) -> list[float]:
    """So many values that come, with some noise, from above to the last."""
    return [round(last + (2 - last) * (1 / (i + 1) - 1 / points) + dice.gauss(0, 0.02), 6) for i in range(points - 1)] + [last]


def log(client: Client, experiment: str, number: int, metrics: int, points: int, begun: int) -> None:
    dice = random.Random(number)
    rate, depth = 10 ** dice.uniform(-4, -1), dice.randint(2, 12)
    start = begun + number * 1000
    tags = [{"key": "team", "value": f"t{number % 7}"}, {"key": "mlflow.source.name", "value": "train.py"}]
    new = {"experiment_id": experiment, "run_name": f"run-{number:05}", "start_time": start, "tags": tags}
    run = client.ask("runs/create", new)["run"]["info"]["run_id"]
    names = ["loss", "accuracy", "auc"] + [f"metric_{i}" for i in range(3, metrics)]
    ends = {key: round(dice.random(), 6) for key in names[:metrics]}
    params = [
        {"key": "learning_rate", "value": f"{rate:.6f}"},
        {"key": "max_depth", "value": str(depth)},
        {"key": "optimizer", "value": dice.choice(["adam", "sgd", "lion"])},
    ]
    noise = random.Random(-number)
    histories = [
        {"key": key, "value": value, "timestamp": start + 500 + 1000 * step, "step": step}
        for key, last in ends.items()
        for step, value in enumerate(curve(noise, last, points))
    ]
    for first in range(0, len(histories), MOST):
        client.ask("runs/log-batch", {"run_id": run, "metrics": histories[first : first + MOST], "params": [] if first else params})
    if number % 20:
        status = "FAILED" if number % 11 == 0 else "FINISHED"
        client.ask("runs/update", {"run_id": run, "status": status, "end_time": start + dice.randint(1000, 900_000)})


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("url")
    said.add_argument("--experiment", default="many")
    said.add_argument("--runs", type=int, default=10_000)
    said.add_argument("--metrics", type=int, default=3)
    said.add_argument("--points", type=int, default=1, help="of each metric")
    said.add_argument("--workers", type=int, default=16)
    asked = said.parse_args()
    token = os.environ.get("MLFLOW_TRACKING_TOKEN", "")
    started, begun = time.monotonic(), int(time.time() * 1000) - asked.runs * 1000
    experiment = Client(asked.url, token).ask("experiments/create", {"name": asked.experiment})["experiment_id"]
    numbers, lock, failed = iter(range(asked.runs)), threading.Lock(), []

    def work() -> None:
        client = Client(asked.url, token)
        try:
            while not failed:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                log(client, experiment, number, asked.metrics, asked.points, begun)
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=work) for _ in range(asked.workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failed:
        raise failed[0]
    print(json.dumps({"experiment": experiment, "runs": asked.runs, "seconds": round(time.monotonic() - started, 1)}))


if __name__ == "__main__":
    main()

"""Thirty-two clients log at once while one reader holds a snapshot of the database from beginning to end and another process writes: no client may be refused.

What was answered is counted against what the portal has at the end. They ask without a pause for a sixth of the time and after one of 50 ms for the
rest, so that other tests can go beside it. Usage: crowd.py [--seconds N] [--pause SECONDS] [--binary FILE]
On PostgreSQL where SLIPWAY_TEST_DATABASE_URL names a server.
"""

import argparse, collections, json, multiprocessing, os, secrets, shutil, sqlite3, subprocess, sys, threading, time

from torture import API, TARGET, Client, Portal

WRITERS, PROCESSES = 32, 4


class Pace:
    """How long they go on, and how fast."""

    def __init__(self, seconds, pause):
        self.until, self.calm, self.pause = time.monotonic() + seconds, time.monotonic() + seconds / 6, pause

    def go_on(self):
        if time.monotonic() > self.calm:
            time.sleep(self.pause)
        return time.monotonic() < self.until


def write(port, token, run, pace, answers, logged):
    client, number = Client(port, token), 0
    while pace.go_on():
        metrics = [{"key": "m", "value": number, "timestamp": 1_700_000_000_000 + number, "step": number}]
        status, answer = client.send("POST", API + "runs/log-batch", {"run_id": run, "metrics": metrics, "params": [{"key": f"p{number % 50}", "value": "1"}]})
        answers[status if status == 200 else f"{status} {answer[:200]!r}"] += 1
        number += status == 200
    logged[run] = number


def writers(port, token, runs, pace, results):
    answers, logged = collections.Counter(), {}
    threads = [threading.Thread(target=write, args=(port, token, run, pace, answers, logged)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put((dict(answers), logged))


def read(port, token, experiment, pace, answers):
    """A person who searches and looks at histories meanwhile."""
    client = Client(port, token)
    while pace.go_on():
        status, answer = client.send("POST", API + "runs/search", {"experiment_ids": [experiment], "order_by": ["metrics.m DESC"], "max_results": 100})
        answers["search " + str(status if status == 200 else f"{status} {answer[:200]!r}")] += 1


class Snapshot:
    """A reader of the database itself, which sees one moment until it is closed."""

    def __init__(self, portal):
        server = os.environ.get("SLIPWAY_TEST_DATABASE_URL")
        self.postgres = server and subprocess.Popen(["psql", server, "-qAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        if self.postgres:
            self.postgres.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ;\n")
        else:
            self.sqlite = sqlite3.connect(portal.data / "slipway.sqlite", isolation_level=None)
            self.sqlite.execute("BEGIN")
        # The first question fixes the moment: with its answer the reader has begun, and not before.
        if before := self.metrics():
            raise SystemExit(f"{before} metrics before anybody logs")

    def metrics(self):
        question = "SELECT COUNT(*) FROM latest_metrics"
        if not self.postgres:
            return self.sqlite.execute(question).fetchone()[0]
        self.postgres.stdin.write(question + ";\n")
        return int(self.postgres.stdout.readline())

    def close(self):
        """Metrics that it sees at the end."""
        seen = self.metrics()
        if self.postgres:
            self.postgres.communicate("COMMIT;\n")
        else:
            self.sqlite.close()
        return seen


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--pause", type=float, default=0.05)
    parser.add_argument("--binary", default=str(TARGET / "release" / "slipway"))
    options = parser.parse_args()
    portal = Portal(options.binary)
    try:
        portal.start()
        client = Client(portal.port, portal.token)
        experiment = client.done("POST", API + "experiments/create", {"name": "crowd"})["experiment_id"]
        runs = [client.done("POST", API + "runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"] for _ in range(WRITERS)]
        snapshot = Snapshot(portal)
        pace, results, seen, others = Pace(options.seconds, options.pause), multiprocessing.Queue(), collections.Counter(), 0
        crowd = [multiprocessing.Process(target=writers, args=(portal.port, portal.token, runs[i::PROCESSES], pace, results)) for i in range(PROCESSES)]
        reader = threading.Thread(target=read, args=(portal.port, portal.token, experiment, pace, seen))
        for one in [*crowd, reader]:
            one.start()
        while time.monotonic() < pace.until:
            # The command line is another process that writes to the same database.
            portal.command("team", "add", f"t-{secrets.token_hex(6)}")
            others += 1
            time.sleep(1)
        found = [results.get() for _ in crowd]
        for one in [*crowd, reader]:
            one.join()
        answers, logged = collections.Counter(), {}
        for some, runs_of in found:
            answers.update(some)
            logged.update(runs_of)
        there = snapshot.close()
        # The first connection has rested for so long that the portal has closed it.
        client, wrong = Client(portal.port, portal.token), []
        for run, number in logged.items():
            points = json.loads(client.send("GET", f"{API}metrics/get-history?run_id={run}&metric_key=m")[1]).get("metrics", [])
            if len(points) != number:
                wrong.append(f"{run}: {number} answered, {len(points)} there")
        log = (portal.folder / "log").read_text()
        print(f"{WRITERS} writers for {options.seconds} s beside a reader of one moment (which saw {there} metrics to its end): "
              f"{dict(answers)}, {dict(seen)}; {others} writes of another process; wrong: {wrong}; 'locked' in the log: {log.count('locked')}")
        refused = [a for a in [*answers, *seen] if str(a).split()[-1] != "200"]
        failed = bool(refused or wrong or there or "locked" in log or not answers[200])
        print(f"{int(not failed)} passed, {int(failed)} failed in {options.seconds}.0s")
        return int(failed)
    finally:
        portal.kill()
        shutil.rmtree(portal.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

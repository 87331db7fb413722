"""`make bench-tracking`: Slipway and a real `mlflow server` side by side, the same client and the same bytes, in turns; prints medians and ratios.

Usage: tracking.py [--database sqlite|postgres] [--rounds N] [--seconds S] [--quick] [--alone]
PostgreSQL is the server in SLIPWAY_TEST_DATABASE_URL (scripts/with-postgres.sh --durable makes one); each side gets a database of its own there.
"""

import argparse, hashlib, json, os, random, secrets, shutil, signal, socket, statistics, subprocess, sys, tempfile, threading, time
from pathlib import Path

from bench import machine
from portal import BINARY, PASSWORD, free_port
from report import keep
from wire import Wire, percentile, rate, receive, repeated

API = "/api/2.0/mlflow/"
VENV = Path(os.environ.get("SLIPWAY_MLFLOW_VENV", Path.home() / ".cache/slipway-ci/mlflow-venv"))


class Server:
    """A server in a folder of its own; what both sides have in common."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="slipway-tracking-"))
        self.port = free_port()
        self.process = None

    def start(self):
        """Seconds until it says it is healthy, and until its first answer of the API."""
        begun = time.perf_counter()
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(self.arguments(), cwd=self.folder, env=self.environment(), stdout=log, stderr=log, start_new_session=True)
        marks = []
        for path in ("/health", API + "experiments/get?experiment_id=0"):
            while True:
                try:
                    Wire(self.port, self.token).raw(Wire(self.port, self.token).text("GET", path))
                    break
                except (OSError, EOFError, SystemExit):
                    if self.process.poll() is not None:
                        raise SystemExit(f"{self.name} ended: {(self.folder / 'log').read_text()[-2000:]}")
                    time.sleep(0.002)
            marks.append(time.perf_counter() - begun)
        self.wire = Wire(self.port, self.token)
        return marks[0]

    def stop(self):
        if self.process:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self.process = None

    def dispose(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def resident(self):
        """Megabytes of the process and all below it, each shared page counted once where the kernel says so."""
        children, total = {}, 0
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    children.setdefault(int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]), []).append(int(entry.name))
                except OSError:
                    pass
        todo = [self.process.pid]
        while todo:
            pid = todo.pop()
            todo += children.get(pid, [])
            try:
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1]) / 1000
            except (OSError, StopIteration):
                pass
        return total


class Slipway(Server):
    name = "Slipway"

    def __init__(self, database):
        super().__init__()
        self.database, self.token = database, ""
        for arguments, text in [
            (["user", "add", "ada@example.com", "--admin", "--password-stdin"], PASSWORD), (["team", "add", "red"], ""),
            (["team", "member", "red", "ada@example.com", "admin"], ""),
        ]:
            self.command(*arguments, text=text)
        self.token = self.command("token", "create", "--user", "ada@example.com", "--team", "red", "--role", "admin")

    def environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SLIPWAY_")}
        return {**kept, "SLIPWAY_DATABASE": self.database} if self.database else kept

    def arguments(self):
        return [BINARY, "serve", "--data", self.folder / "data", "--listen", f"127.0.0.1:{self.port}"]

    def seed(self, parent, count):
        """Through the API, from eight clients."""
        runs, lock = runs_to_seed(count), threading.Lock()

        def client():
            own = Wire(self.port, self.token)
            while True:
                with lock:
                    i, tags, metrics, params = next(runs, (None, 0, 0, 0))
                if i is None:
                    return
                run = new_run(own, parent, run_name=f"run-{i}", tags=[{"key": "team", "value": tags["team"]}])
                own.call("POST", API + "runs/log-batch", {
                    "run_id": run, "metrics": [{"key": k, "value": v, "timestamp": 1, "step": 0} for k, v in metrics.items()],
                    "params": [{"key": k, "value": v} for k, v in params.items()], "tags": [{"key": "stage", "value": tags["stage"]}]})

        threads = [threading.Thread(target=client) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def command(self, *arguments, text=""):
        done = subprocess.run([BINARY, *arguments, "--data", self.folder / "data"], env=self.environment(), input=text, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        return done.stdout.strip()


class Mlflow(Server):
    name = "MLflow"
    token = ""

    def __init__(self, database):
        super().__init__()
        self.database = database or f"sqlite:///{self.folder}/mlflow.db"

    def environment(self):
        return {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": "A" * 43 + "="}

    def arguments(self):
        return [VENV / "bin/mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port), "--backend-store-uri", self.database,
                "--artifacts-destination", f"{self.folder}/artifacts"]

    def seed(self, parent, count):
        """Into its tables, as its own server would have written them: through its API ten thousand runs take six minutes."""
        now, rows = int(time.time() * 1000), {"runs": [], "tags": [], "params": [], "metrics": [], "latest_metrics": []}
        for i, tags, metrics, params in runs_to_seed(count):
            run = secrets.token_hex(16)
            rows["runs"].append((run, f"run-{i}", "UNKNOWN", "", "", "bench", "RUNNING", now + i, "", "active", f"mlflow-artifacts:/{parent}/{run}/artifacts", int(parent)))
            rows["tags"] += [(k, v, run) for k, v in {**tags, "mlflow.runName": f"run-{i}"}.items()]
            rows["params"] += [(k, v, run) for k, v in params.items()]
            points = [(k, v, 1, run, 0, False) for k, v in metrics.items()]
            rows["metrics"] += points
            rows["latest_metrics"] += points
        columns = {
            "runs": "run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, source_version, lifecycle_stage, artifact_uri, experiment_id",
            "tags": "key, value, run_uuid", "params": "key, value, run_uuid",
            "metrics": "key, value, timestamp, run_uuid, step, is_nan", "latest_metrics": "key, value, timestamp, run_uuid, step, is_nan",
        }
        if self.database.startswith("sqlite"):
            import sqlite3
            link = sqlite3.connect(self.database.removeprefix("sqlite:///"))
            insert = lambda table, names, values: cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' for _ in values[0])})", values)
        else:
            import psycopg2.extras
            link = psycopg2.connect(self.database.replace("postgresql+psycopg2", "postgresql"))
            insert = lambda table, names, values: psycopg2.extras.execute_values(cursor, f"INSERT INTO {table} ({names}) VALUES %s", values)
        cursor = link.cursor()
        for table, names in columns.items():
            insert(table, names, rows[table])
        cursor.execute("ANALYZE")
        link.commit()
        link.close()


# What is measured. Each takes a server and returns a figure.

def experiment(wire):
    return wire.call("POST", API + "experiments/create", {"name": f"bench-{secrets.token_hex(8)}"})["experiment_id"]


def new_run(wire, parent, **more):
    return wire.call("POST", API + "runs/create", {"experiment_id": parent, "start_time": int(time.time() * 1000), **more})["run"]["info"]["run_id"]


def points(first, count, key="loss"):
    return [{"key": key, "value": i * 0.5, "timestamp": 1_700_000_000_000 + i, "step": i} for i in range(first, first + count)]


def create_run(server):
    parent = experiment(server.wire)

    def requests(_):
        while True:
            yield server.wire.text("POST", API + "runs/create", {
                "experiment_id": parent, "start_time": int(time.time() * 1000), "run_name": "bench",
                "tags": [{"key": "mlflow.user", "value": "bench"}, {"key": "mlflow.source.name", "value": "train.py"}]})
    return rate(server.wire, requests, 1, options.seconds)[0]


def single_metrics(clients):
    def measure(server):
        parent = experiment(server.wire)
        runs = [new_run(server.wire, parent) for _ in range(clients)]

        def requests(client):
            step = 0
            while True:
                yield server.wire.text("POST", API + "runs/log-batch", {"run_id": runs[client], "metrics": points(step, 1), "params": [], "tags": []})
                step += 1
        # With many clients a worker of MLflow's may run out of connections to its database; that is its answer, and no figure.
        refused = None if isinstance(server, Slipway) else []
        answered = rate(server.wire, requests, clients, options.seconds, refused)[0]
        if refused:
            print(f"  {server.name} refused {len(refused)} requests of {clients} clients, for example {refused[0]}", flush=True)
        return answered
    return measure


def big_batches(server):
    run = new_run(server.wire, experiment(server.wire))

    def texts(batches):
        # Made before the clock starts: writing JSON would be half of the time that is measured.
        return [server.wire.text("POST", API + "runs/log-batch", {"run_id": run, "metrics": [p for k in range(10) for p in points(100 * b, 100, f"m{k}")]})
                for b in batches]

    begun = time.perf_counter()
    for text in texts(range(10)):
        server.wire.raw(text)
    count = 10 + int(10 * options.seconds / (time.perf_counter() - begun))
    ready = texts(range(10, count))
    begun = time.perf_counter()
    for text in ready:
        server.wire.raw(text)
    return 1000 * len(ready) / (time.perf_counter() - begun)


def runs_to_seed(count):
    """Tags, metrics and params of so many runs: five metrics, five params and two tags each, the same for every server."""
    dice = random.Random(7)
    for i in range(count):
        yield (i, {"team": f"t{i % 7}", "stage": "ab"[i % 2]}, {f"m{k}": dice.random() for k in range(5)}, {f"p{k}": str((i * (k + 3)) % 10) for k in range(5)})


def seeded(server, count):
    """An experiment of so many runs."""
    parent = experiment(server.wire)
    server.seed(parent, count)
    return parent


SEARCHES = [
    ("search {n} runs: metric and param filter, by metric, 100", {"filter": "metrics.m0 > 0.5 and params.p0 = '3'", "order_by": ["metrics.m1 DESC"], "max_results": 100}),
    ("search {n} runs: tag filter, by param and metric, 100", {"filter": "tags.team = 't3'", "order_by": ["params.p1 ASC", "metrics.m2 DESC"], "max_results": 100}),
    ("search {n} runs: newest 100", {"max_results": 100}),
    ("search {n} runs: newest 1000", {"max_results": 1000}),
]


def searches(server, parent, times):
    """Median and 95th percentile of each search, milliseconds."""
    found = []
    for _, query in SEARCHES:
        taken = repeated(server.wire, server.wire.text("POST", API + "runs/search", {"experiment_ids": [parent], **query}), times)
        found.append((statistics.median(taken), percentile(taken, 0.95)))
    return found


def filled(server, count):
    run = new_run(server.wire, experiment(server.wire))
    for first in range(0, count, 1000):
        server.wire.call("POST", API + "runs/log-batch", {"run_id": run, "metrics": points(first, min(1000, count - first))})
    return run


def history(server, run):
    answer = server.wire.raw(server.wire.text("GET", f"{API}metrics/get-history?run_id={run}&metric_key=loss"))
    return answer


def artifact(server, megabytes):
    """MB/s up and down of one file."""
    wire = server.wire
    path = f"/api/2.0/mlflow-artifacts/artifacts/bench-{secrets.token_hex(6)}/big.bin"
    block, size = os.urandom(1 << 20), megabytes << 20
    token = f"Authorization: Bearer {wire.token}\r\n" if wire.token else ""
    link, begun = wire.connect(), time.perf_counter()
    link.sendall(f"PUT {path} HTTP/1.1\r\nHost: localhost:{wire.port}\r\n{token}Content-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n".encode())
    for _ in range(megabytes):
        link.sendall(block)
    status, body, _ = receive(link)
    up = megabytes / (time.perf_counter() - begun)
    if status != 200:
        raise SystemExit(f"upload answered {status} {body[:200]!r}")
    link, begun = wire.connect(), time.perf_counter()
    link.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost:{wire.port}\r\n{token}\r\n".encode())
    data, room = b"", memoryview(bytearray(1 << 20))
    while b"\r\n\r\n" not in data:
        data += link.recv(1 << 16)
    got = len(data.partition(b"\r\n\r\n")[2])
    while got < size:
        count = link.recv_into(room)
        if not count:
            raise SystemExit(f"the download ended after {got} of {size} bytes")
        got += count
    down = megabytes / (time.perf_counter() - begun)
    wire.raw(wire.text("DELETE", path))
    return up, down


def copied(megabytes, folder):
    """MB/s of a plain copy with fsync on the same disk."""
    source, target = folder / "source", folder / "target"
    with open(source, "wb") as out:
        for _ in range(megabytes):
            out.write(os.urandom(1 << 20))
        # Else the disk would be busy with the source while it is measured.
        out.flush()
        os.fsync(out.fileno())
    begun = time.perf_counter()
    shutil.copyfile(source, target)
    with open(target, "rb+") as file:
        os.fsync(file.fileno())
    speed = megabytes / (time.perf_counter() - begun)
    source.unlink()
    target.unlink()
    return speed


def hashed(megabytes):
    """MB/s of SHA-256 on one core: every upload is hashed, so none is faster than this."""
    block, digest, begun = os.urandom(1 << 20), hashlib.sha256(), time.perf_counter()
    for _ in range(megabytes):
        digest.update(block)
    return megabytes / (time.perf_counter() - begun)


rows = []


def row(what, unit, ours, theirs=None, faster="more", aim=None, digits=0):
    """Medians of both sides, and how many times better ours is."""
    ours = statistics.median(ours)
    theirs = statistics.median(theirs) if theirs else None
    ratio = None if theirs is None else (ours / theirs if faster == "more" else theirs / ours)
    met = "" if aim is None or ratio is None else ("yes" if ratio >= aim else "NO")
    line = (what, f"{ours:,.{digits}f} {unit}", "" if theirs is None else f"{theirs:,.{digits}f} {unit}", "" if ratio is None else f"{ratio:.1f}×",
            "" if aim is None else f"≥ {aim}×", met)
    rows.append(line)
    print("  " + " | ".join(line), flush=True)


def absolute(what, figure, aim, met):
    rows.append((what, figure, "", "", aim, "" if met is None else ("yes" if met else "NO")))
    print("  " + " | ".join(rows[-1]), flush=True)


def databases():
    """A database of its own for each side, on PostgreSQL; SQLite files otherwise."""
    if options.database == "sqlite":
        return None, None
    server = os.environ["SLIPWAY_TEST_DATABASE_URL"]
    made = []
    for side in ("slipway", "mlflow"):
        name = f"bench_{side}_{secrets.token_hex(4)}"
        subprocess.run([VENV / "bin/python", "-c", "import psycopg2, sys; c = psycopg2.connect(sys.argv[1]); c.autocommit = True; "
                        "c.cursor().execute('CREATE DATABASE ' + sys.argv[2])", server, name], check=True)
        made.append(server.rsplit("/", 1)[0] + "/" + name)
    return made[0], made[1].replace("postgres://", "postgresql+psycopg2://")


def main():
    described = machine()
    peer = "MLflow " + subprocess.run([VENV / "bin/python", "-c", "import importlib.metadata as m; print(m.version('mlflow'))"],
                                      capture_output=True, text=True, check=True).stdout.strip()
    durability = (f"SQLite: Slipway WAL with synchronous=FULL, {peer} its default (rollback journal, synchronous=FULL)" if options.database == "sqlite"
                  else f"PostgreSQL with fsync and synchronous_commit on, for Slipway and {peer}")
    print(f"Machine: {described}\nDurability: {durability}", flush=True)
    first, second = databases()
    sides = [Slipway(first)] + ([] if options.alone else [Mlflow(second)])
    ours, theirs = sides[0], sides[-1] if len(sides) > 1 else None
    try:
        started = {side: [side.start()] for side in sides}
        for side in sides:
            for _ in range(options.rounds - 1):
                side.stop()
                started[side].append(side.start())
        of = lambda figures: (figures[ours], figures.get(theirs))
        row("start to healthy", "s", *of(started), faster="less", digits=3)
        time.sleep(8)
        row("memory, idle", "MB", *of({side: [side.resident()] for side in sides}), faster="less")
        absolute("memory, idle: aim", f"{ours.resident() / 1.048576:.0f} MiB", "≤ 64 MiB", ours.resident() / 1.048576 <= 64)

        def in_turns(measure):
            return {side: figures for side, figures in zip(sides, zip(*[[measure(side) for side in sides] for _ in range(options.rounds)]))}

        row("create run, 1 client", "/s", *of(in_turns(create_run)))
        row("log one metric, 1 client", "/s", *of(in_turns(single_metrics(1))), aim=6)
        row("log one metric, 16 clients", "/s", *of(in_turns(single_metrics(16))), aim=30)
        row("log 1000 metrics a batch, 1 client", "rows/s", *of(in_turns(big_batches)), aim=10)

        count = 1000 if options.quick else 10_000
        parents = {side: seeded(side, count) for side in sides}
        found = [{side: searches(side, parents[side], 5 if side is theirs else 20) for side in sides} for _ in range(options.rounds)]
        for i, (name, _) in enumerate(SEARCHES):
            row(name.format(n=f"{count:,}"), "ms", *of({side: [f[side][i][0] for f in found] for side in sides}), faster="less", aim=100 if i < 2 else None, digits=2)

        long = 10_000 if options.quick else 100_000
        runs = {side: filled(side, long) for side in sides}
        def timed(what):
            def measure(side):
                begun = time.perf_counter()
                what(side)
                return (time.perf_counter() - begun) * 1000
            return measure
        row(f"history of {long:,} points", "ms", *of(in_turns(timed(lambda side: history(side, runs[side])))), faster="less", aim=40)
        many = {side: [filled(side, long // 10) for _ in range(20)] for side in sides}
        row(f"20 runs × {long // 10:,} points", "ms", *of(in_turns(timed(lambda side: [history(side, run) for run in many[side]]))), faster="less", aim=40)

        size = 64 if options.quick else 1024
        moved, plain = {side: [] for side in sides}, []
        for _ in range(options.rounds):
            # A disk that still writes what came before would be slower for whoever is next.
            os.sync()
            plain.append(copied(size, ours.folder))
            for side in sides:
                os.sync()
                moved[side].append(artifact(side, size))
        for i, name in enumerate(["up", "down"]):
            row(f"artifact of {size} MiB, {name}", "MiB/s", *of({side: [m[i] for m in moved[side]] for side in sides}))
        share = statistics.median(m[0] / copy for m, copy in zip(moved[ours], plain))
        absolute("artifact up, against cp and fsync", f"{100 * share:.0f} % of {statistics.median(plain):,.0f} MiB/s", "≥ 80 %", share >= 0.8)
        absolute("SHA-256 on one core of this machine", f"{statistics.median(hashed(size) for _ in range(options.rounds)):,.0f} MiB/s", "", None)
        row("memory after all of it", "MB", *of({side: [side.resident()] for side in sides}), faster="less")
        absolute("memory after all of it: aim", f"{ours.resident() / 1.048576:.0f} MiB", "≤ 128 MiB", ours.resident() / 1.048576 <= 128)
        if theirs:
            theirs.dispose()
        if not options.quick:
            parent = seeded(ours, 100_000)
            for (name, _), (median, p95) in zip(SEARCHES, searches(ours, parent, 40)):
                absolute(name.format(n="100,000") + " (Slipway alone)", f"p50 {median:.2f} ms, p95 {p95:.2f} ms",
                         "p95 ≤ 5 ms" if "100" in name.rsplit(",", 1)[-1] and not name.endswith("1000") else "", p95 <= 5 if not name.endswith("1000") else None)
            absolute("memory with 100,000 runs searched", f"{ours.resident() / 1.048576:.0f} MiB", "≤ 128 MiB", ours.resident() / 1.048576 <= 128)
    finally:
        for side in sides:
            side.dispose()
    heads = [("measured", "Slipway", "MLflow", "ratio", "aim", "met"), ("---",) * 6]
    table = "\n".join("| " + " | ".join(line) + " |" for line in [*heads, *rows])
    report = f"Machine: {described}  \nDurability: {durability}  \n{time.strftime('%Y-%m-%d')}, medians of {options.rounds} rounds, in turns\n\n{table}"
    print(f"\n{report}")
    if not options.quick and not options.alone:
        keep(f"tracking on {options.database}", report)
    return 1 if any(line[5] == "NO" for line in rows) else 0


parser = argparse.ArgumentParser()
parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--seconds", type=float, default=5)
parser.add_argument("--quick", action="store_true", help="a tenth of everything, to see that it works")
parser.add_argument("--alone", action="store_true", help="without MLflow")
options = parser.parse_args() if __name__ == "__main__" else None

if __name__ == "__main__":
    sys.exit(main())

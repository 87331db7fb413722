"""Kills the portal while clients log, and compares what it acknowledged with what it has: lost = torn = duplicated = 0.

Each client is a process of its own that writes a ledger: a line and an fsync before it sends, another once it has the answer. The portal
dies by `kill -9` at a random moment, or by itself at a named place in its code (a build with the feature `crashpoints`). It is started
again, and read. A batch that was answered must be there, once and whole; one whose answer never came may be there, whole, or not at all,
and is sent again, which must not double it. The same for uploaded files.

Usage: torture.py [--cycles N] [--seed S] [--binary FILE] [--control]
On PostgreSQL where SLIPWAY_TEST_DATABASE_URL names a server. `--control` answers before it commits: then something MUST be lost, or this test shows nothing.
"""

import argparse, hashlib, http.client, json, multiprocessing, os, random, secrets, shutil, signal, socket, subprocess, sys, tempfile, time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
API = "/api/2.0/mlflow/"
POINTS = ["before_tx", "after_insert_1", "after_insert_2", "after_insert_3", "after_insert_4", "after_insert_5", "before_commit", "after_commit_before_reply"]
ARTIFACT_POINTS = ["artifact." + name for name in ("before_temporary", "in_body", "before_sync", "before_rename", "before_folder_sync", "before_row", "after_row")]
CLIENTS = 3


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Portal:
    def __init__(self, binary):
        self.binary, self.folder = binary, Path(tempfile.mkdtemp(prefix="slipway-torture-"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("SLIPWAY_")}
        if database := os.environ.get("SLIPWAY_TEST_DATABASE_URL"):
            self.environment["SLIPWAY_DATABASE"] = database
        mark = secrets.token_hex(3)
        for arguments, text in [(["user", "add", f"ada-{mark}@example.com", "--password-stdin"], "correct horse battery"), (["team", "add", f"red-{mark}"], ""),
                                (["team", "member", f"red-{mark}", f"ada-{mark}@example.com", "member"], "")]:
            self.command(*arguments, text=text)
        self.token = self.command("token", "create", "--user", f"ada-{mark}@example.com", "--team", f"red-{mark}", "--role", "member")
        self.process = None

    def command(self, *arguments, text=""):
        done = subprocess.run([self.binary, *arguments, "--data", self.data], env=self.environment, input=text, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        return done.stdout.strip()

    def start(self, point=""):
        armed = self.data / "crash-point"
        armed.write_text(point) if point else armed.unlink(missing_ok=True)
        log = open(self.folder / "log", "ab")
        deadline = time.monotonic() + 60
        self.process = None
        while time.monotonic() < deadline:
            if not self.process:
                begin = os.fstat(log.fileno()).st_size
                self.process = subprocess.Popen([self.binary, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}"], env=self.environment, stdout=log, stderr=log)
            try:
                link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                link.request("GET", "/health", headers={"Host": f"localhost:{self.port}"})
                link.getresponse().read()
                return
            except OSError:
                if self.process.poll() is not None:
                    said = (self.folder / "log").read_bytes()[begin:].decode(errors="replace")
                    if "Address already in use" not in said:
                        raise SystemExit(f"the portal ended while it was starting: {said[-2000:]}")
                    # While it was away a program on this machine got its port for a connection of its own.
                    self.port, self.process = free_port(), None
                time.sleep(0.005)
        raise SystemExit("the portal does not answer")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Client:
    """Requests over one kept connection."""

    def __init__(self, port, token):
        self.port, self.token = port, token
        self.link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def send(self, method, path, body=None, kind="application/json"):
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        self.link.request(method, path, data, {"Host": f"localhost:{self.port}", "Authorization": f"Bearer {self.token}", "Content-Type": kind})
        answer = self.link.getresponse()
        return answer.status, answer.read()

    def done(self, method, path, body=None):
        status, data = self.send(method, path, body)
        if status != 200:
            raise SystemExit(f"{method} {path}: {status} {data[:300]!r}")
        return json.loads(data or b"{}")


def batch(run, number):
    """Four kinds of things that are there together or not at all."""
    points = [{"key": "m", "value": number + step / 10, "timestamp": 1_700_000_000_000 + number, "step": 3 * number + step} for step in range(3)]
    points.append({"key": "n", "value": number, "timestamp": 1_700_000_000_000 + number, "step": number})
    return {"run_id": run, "metrics": points, "params": [{"key": f"p{number}", "value": str(number)}], "tags": [{"key": f"t{number}", "value": str(number)}]}


def content(run, number):
    return hashlib.sha256(f"{run} {number}".encode()).digest() * (500 + 700 * (number % 5))


def path_of(run, number):
    return f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/f{number}.bin"


def log_for_ever(port, token, run, ledger, files):
    """Logs until the portal is gone. `sent N`, then `acked N` once it is answered; the same for files."""
    client = Client(port, token)
    out = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(line):
        os.write(out, f"{line}\n".encode())
        os.fsync(out)

    number = 0
    try:
        while True:
            note(f"sent {number}")
            status, answer = client.send("POST", API + "runs/log-batch", batch(run, number))
            if status != 200:
                note(f"refused {number} {status} {answer[:200]!r}")
                return
            note(f"acked {number}")
            if files and number % 3 == 0:
                note(f"putting {number}")
                status, answer = client.send("PUT", path_of(run, number), content(run, number), "application/octet-stream")
                if status != 200:
                    note(f"refused {number} {status} {answer[:200]!r}")
                    return
                note(f"put {number}")
            number += 1
    except (OSError, http.client.HTTPException):
        return


def read_ledger(ledger):
    found = {"sent": set(), "acked": set(), "putting": set(), "put": set()}
    for line in Path(ledger).read_text().splitlines():
        word, number, *rest = line.split(" ", 2)
        if word == "refused":
            raise SystemExit(f"a client was refused: {line}")
        found[word].add(int(number))
    return found


def parts(client, run):
    """What the portal has of each batch: a list of its parts, so that doubles are seen."""
    found = {}
    for key, step in [("m", 3), ("n", 1)]:
        history = client.done("GET", f"{API}metrics/get-history?run_id={run}&metric_key={key}").get("metrics", [])
        for point in history:
            number = point["step"] // step
            found.setdefault(number, []).append(f"{key}{point['step'] - step * number}")
    data = client.done("GET", f"{API}runs/get?run_id={run}")["run"]["data"]
    for kind in ("params", "tags"):
        for pair in data.get(kind, []):
            if pair["key"][0] in "pt" and pair["key"][1:].isdigit():
                if pair["key"][1:] != pair["value"]:
                    raise SystemExit(f"{pair} was never logged")
                found.setdefault(int(pair["value"]), []).append(pair["key"][0])
    return found


WHOLE = ["m0", "m1", "m2", "n0", "p", "t"]


class Tally:
    def __init__(self):
        self.acked = self.unknown = self.files = self.lost = self.torn = self.duplicated = 0

    def compare(self, client, run, ledger):
        has = parts(client, run)
        for number in ledger["sent"] | set(has):
            mine = sorted(has.get(number, []))
            if number not in ledger["sent"]:
                raise SystemExit(f"batch {number} of {run} was never sent")
            if len(mine) != len(set(mine)):
                self.duplicated += 1
            elif mine and mine != WHOLE:
                self.torn += 1
            elif not mine and number in ledger["acked"]:
                self.lost += 1
        self.acked += len(ledger["acked"])
        # What nobody knows the outcome of is sent again, as a client does.
        for number in ledger["sent"] - ledger["acked"]:
            self.unknown += 1
            client.done("POST", API + "runs/log-batch", batch(run, number))
            again = sorted(parts(client, run).get(number, []))
            if len(again) != len(set(again)):
                self.duplicated += 1
            elif again != WHOLE:
                self.torn += 1
        for number in ledger["putting"]:
            status, data = client.send("GET", path_of(run, number))
            if status == 200 and data != content(run, number):
                self.torn += 1
            elif status != 200 and number in ledger["put"]:
                self.lost += 1
            self.files += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--binary", type=Path, default=TARGET / "debug/slipway")
    parser.add_argument("--control", action="store_true")
    options = parser.parse_args()
    begun = time.monotonic()
    seed = options.seed if options.seed is not None else secrets.randbits(32)
    dice = random.Random(seed)
    portal, tally = Portal(options.binary), Tally()
    kind = "PostgreSQL" if "SLIPWAY_DATABASE" in portal.environment else "SQLite"
    print(f"seed {seed}, {options.cycles} cycles on {kind}{', answering before it commits' if options.control else ''}", flush=True)
    points = POINTS + ARTIFACT_POINTS
    try:
        for cycle in range(options.cycles):
            if options.control:
                point = f"answer_before_commit:{dice.randint(1, 20)}"
            else:
                # Every second death is at a named place, each in turn.
                point = f"{points[cycle // 2 % len(points)]}:{dice.randint(1, 12)}" if cycle % 2 else ""
            portal.start(point)
            setup = Client(portal.port, portal.token)
            runs = []
            try:
                for _ in range(CLIENTS):
                    runs.append(setup.done("POST", API + "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"])
            except (OSError, http.client.HTTPException):
                # It died while the runs were made: nothing was promised yet.
                pass
            ledgers = [portal.folder / f"ledger-{cycle}-{i}" for i in range(len(runs))]
            clients = [multiprocessing.Process(target=log_for_ever, args=(portal.port, portal.token, run, ledger, not options.control)) for run, ledger in zip(runs, ledgers)]
            for client in clients:
                client.start()
            try:
                # A place that is not reached in time is as good as a random moment.
                portal.process.wait(1.5 if point else dice.uniform(0, 0.2))
            except subprocess.TimeoutExpired:
                pass
            portal.kill()
            for client in clients:
                client.join()
            portal.start()
            reader = Client(portal.port, portal.token)
            for run, ledger in zip(runs, ledgers):
                if ledger.exists():
                    tally.compare(reader, run, read_ledger(ledger))
                    ledger.unlink()
            portal.kill()
            if (cycle + 1) % 50 == 0:
                print(f"  {cycle + 1} cycles: {tally.acked} batches acknowledged, lost {tally.lost}, torn {tally.torn}, duplicated {tally.duplicated}", flush=True)
    finally:
        if portal.process and portal.process.poll() is None:
            portal.kill()
        shutil.rmtree(portal.folder, ignore_errors=True)
    print(f"{kind}: {options.cycles} cycles, {tally.acked} batches acknowledged, {tally.unknown} of unknown outcome, {tally.files} files; "
          f"lost {tally.lost}, torn {tally.torn}, duplicated {tally.duplicated}")
    bad = tally.lost + tally.torn + tally.duplicated
    if options.control:
        print("the control lost something, as it must" if tally.lost else "THE CONTROL LOST NOTHING: this test shows nothing")
        good = tally.lost > 0
    else:
        good = bad == 0 and tally.acked > 0
    print(f"{int(good)} passed, {int(not good)} failed in {time.monotonic() - begun:.1f}s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

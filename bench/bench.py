"""`make bench`: measures the release build and prints a table (see docs/benchmarks.md). `--quick` leaves JupyterLab out."""

import asyncio, json, os, platform, statistics, sys, time
from pathlib import Path

from load import as_fast_as_possible, at_rate, get, percentile
from portal import PASSWORD, TARGET, Live, Person, Portal
from report import keep

TEAM = "vision"
ADMIN = "ada@example.com"
rows = []


def row(what, figure, aim="", met=None):
    rows.append((what, figure, aim, "" if met is None else ("yes" if met else "NO")))
    print(f"  {what}: {figure}", flush=True)


def starts():
    first, again = [], []
    for _ in range(5):
        portal = Portal()
        first.append(portal.start())
        portal.stop()
        again.append(portal.start())
        portal.dispose()
    row("cold start to first answer, empty folder", f"{1000 * statistics.median(first):.0f} ms", "≤ 150 ms", statistics.median(first) <= 0.15)
    row("start to first answer, existing database", f"{1000 * statistics.median(again):.0f} ms", "≤ 150 ms", statistics.median(again) <= 0.15)


def seed(portal, notebooks=500):
    """So many stopped notebooks, put into the stopped portal's database."""
    now = int(time.time() * 1000)
    with portal.database() as database:
        team, = database.execute("SELECT id FROM teams WHERE name = ?", [TEAM]).fetchone()
        owner, = database.execute("SELECT id FROM users WHERE email = ?", [ADMIN]).fetchone()
        for i in range(notebooks):
            identity = f"{i:016d}"
            spec = {"name": f"notebook-{i:03}", "environment": "files", "version": "1", "home": f"home-{i:03}", "data": [], "env": [], "git": None,
                    "resources": {"cpus": 1, "memory_mib": 256, "gpus": 0}, "idle_minutes": 60}
            database.execute("INSERT INTO volumes VALUES (?, ?, ?, ?, ?)", [identity, team, spec["home"], owner, now])
            database.execute(
                "INSERT INTO notebooks (id, team_id, owner, name, spec, home, idempotency_key, desired, launch, phase, phase_at, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 'stopped', 1, 'stopped', ?, ?)",
                [identity, team, owner, spec["name"], json.dumps(spec), identity, identity, now - i * 60_000, now - i * 60_000])


def pages(portal, person):
    for path, name in [(f"/t/{TEAM}", "dashboard"), (f"/t/{TEAM}/notebooks", "list of 500 notebooks")]:
        text = get(path, {**person.headers(), "Accept": "text/html", "Accept-Encoding": "br, gzip", "Sec-Fetch-Mode": "navigate"})
        asyncio.run(as_fast_as_possible(portal.port, text, 2))
        taken = asyncio.run(at_rate(portal.port, text, 50, 20))
        most, size = asyncio.run(as_fast_as_possible(portal.port, text, 5))
        p50, p99 = percentile(taken, 0.5), percentile(taken, 0.99)
        aim = ("p99 ≤ 25 ms", p99 <= 25) if name == "dashboard" else ()
        row(f"{name}, 500 notebooks, at 50 requests/s", f"p50 {p50:.1f} ms, p99 {p99:.1f} ms", *aim)
        row(f"{name}, 8 connections, as fast as possible", f"{most:.0f} requests/s of {size / 1000:.0f} kB")


def wasm():
    site = TARGET / "site/release"
    files = json.loads((site / "site.json").read_text())
    main = files["wasm"]
    chunks = sorted({file for chunk in files["chunks"].values() for file in chunk})

    def weight(*paths):
        sizes = [(f.stat().st_size, f.with_name(f.name + ".br").stat().st_size) for f in (site / p.removeprefix("/pkg/") for p in paths)]
        return [sum(size) for size in zip(*sizes)]

    def text(raw, packed):
        return f"{raw / 1000:.0f} kB raw, {packed / 1000:.0f} kB brotli"

    first = weight(main)
    row("wasm of the first route (sign-in, home)", text(*first), "≤ 400 kB brotli", first[1] <= 400_000)
    for name, parts in sorted(files["chunks"].items()):
        row(f"wasm that the chunk \"{name}\" adds", text(*weight(*parts)))
    row("wasm of all pages", text(*weight(main, *chunks)))
    row("binary", f"{(TARGET / 'release/slipway').stat().st_size / 1e6:.1f} MB")


def events(person, launches=20):
    """How long a fact (a phase's own time) takes to a browser."""
    live = Live(person)
    late = []
    for i in range(launches):
        notebook = person.launch(TEAM, "files", "1", f"event-{i}")["id"]
        settled, asked = False, False
        while not settled:
            message, at = live.message()
            change = message.get("event", {}).get("change", {})
            if change.get("kind") != "notebook" or change["data"]["id"] != notebook:
                continue
            late.append(at - change["data"]["phase_at"])
            settled = change["data"]["phase"] in ("stopped", "failed")
            if change["data"]["phase"] == "ready" and not asked:
                asked = True
                person.call("notebooks/stop", {"team": TEAM, "id": notebook})
        person.call("notebooks/delete", {"team": TEAM, "id": notebook, "delete_home": True})
    late.sort()
    p95 = percentile(late, 0.95)
    row(f"event, fact to browser ({len(late)} events)", f"p50 {percentile(late, 0.5):.0f} ms, p95 {p95:.0f} ms", "p95 ≤ 100 ms", p95 <= 100)


def jupyter(person, launches=5):
    """From the click to JupyterLab's first answer, and how much of it is Slipway's."""
    choices = person.call("environments/choices", {"team": TEAM})
    entry = next(c["environment"] for c in choices if c["environment"]["program"]["kind"] == "jupyter-lab")
    version = entry["versions"][0]["name"]
    own, ready = [], []
    for i in range(launches + 1):
        begun = time.time() * 1000
        notebook = person.launch(TEAM, entry["name"], version, f"lab-{i}", memory="1")["id"]
        found = person.until(TEAM, notebook, ["ready"])
        steps = {step["phase"]: step["at"] for step in found["timeline"]}
        if i == 0:
            row("click to JupyterLab ready, environment made first", f"{(steps['ready'] - begun) / 1000:.1f} s")
        else:
            own.append(steps["starting"] - begun)
            ready.append(steps["ready"] - begun)
        person.call("notebooks/stop", {"team": TEAM, "id": notebook})
        person.until(TEAM, notebook, ["stopped"])
    share = statistics.median(own)
    row("click to JupyterLab ready, environment cached", f"{statistics.median(ready) / 1000:.1f} s")
    row("of it Slipway's own share (request to process started)", f"{share:.0f} ms", "≤ 300 ms", share <= 300)


def machine():
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "unknown")
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024 / 1024
    return f"{os.cpu_count()} × {cpu}, {memory:.0f} GiB, Linux {platform.release()}, load before {os.getloadavg()[0]:.1f}"


def main():
    described = machine()
    print(f"Machine: {described}", flush=True)
    starts()
    portal = Portal()
    try:
        portal.start()
        time.sleep(5)
        resident = portal.resident_mib()
        row("resident memory, idle after start", f"{resident:.0f} MiB", "≤ 64 MiB", resident <= 64)
        portal.command("user", "add", ADMIN, "--admin", "--password-stdin", text=PASSWORD)
        portal.command("team", "add", TEAM)
        portal.command("team", "member", TEAM, ADMIN, "admin")
        portal.stop()
        seed(portal)
        portal.start()
        person = Person(portal, ADMIN)
        command = ["/usr/bin/python3", "-m", "http.server", "{port}", "--bind", "127.0.0.1"]
        person.call("environments/save", {"create": True, "environment": {
            "name": "files", "title": "Files", "description": "", "logo": "terminal", "program": {"kind": "command", "argv": command},
            "versions": [{"name": "1", "packages": [], "deprecated": None}], "visible_to": [], "enabled": True, "updated_at": 0,
            "default_resources": {"cpus": 1, "memory_mib": 256, "gpus": 0}}}, as_json=True)
        pages(portal, person)
        resident = portal.resident_mib()
        row("resident memory after that load", f"{resident:.0f} MiB")
        events(person)
        wasm()
        if "--quick" not in sys.argv:
            jupyter(person)
    finally:
        portal.dispose()
    table = "\n".join("| " + " | ".join(line) + " |" for line in [("measured", "figure", "aim", "met"), ("---",) * 4, *rows])
    report = f"Machine: {described}  \n{time.strftime('%Y-%m-%d')}\n\n{table}"
    print(f"\n{report}")
    if "--quick" not in sys.argv:
        keep("portal", report)
    return 1 if any(line[3] == "NO" for line in rows) else 0


if __name__ == "__main__":
    sys.exit(main())

"""`make bench-ui`: what people see, measured in Chromium on the release build, and the same of a real `mlflow server` with the same runs, in turns.

Usage: ui.py [--rounds N] [--quick] [--servers FILE]
`ui.mjs` drives the browser. Both servers get the same runs from end2end/seed/runs.py over REST, for which MLflow takes a quarter of an hour.
"""

import argparse, http.client, json, math, os, statistics, subprocess, sys, time, urllib.parse
from pathlib import Path
from types import SimpleNamespace

from bench import machine
from portal import PASSWORD, ROOT, Person
from report import keep
from tracking import API, VENV, Mlflow, Slipway
from wire import Wire

TEAM, ADMIN = "red", "ada@example.com"
# Experiments by name: runs, and points of each of their three metrics.
EXPERIMENTS = {"fifty": (50, 1000), "hundred": (100, 1000), "many": (10_000, 20)}
rows = []


def row(what, ours, theirs="", ratio="", aim="", met=None):
    rows.append((what, ours, theirs, ratio, aim, "" if met is None else ("yes" if met else "NO")))
    print("  " + " | ".join(rows[-1]), flush=True)


def seed(side, runs, points):
    """The experiment's id."""
    command = [sys.executable, ROOT / "end2end/seed/runs.py", f"http://localhost:{side.port}", "--experiment", f"runs-{runs}", "--runs", str(runs),
               "--points", str(points), "--workers", "4"]
    done = subprocess.run(command, env={**os.environ, "MLFLOW_TRACKING_TOKEN": side.token}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the seeder, at {side.name}: {done.stderr[-1000:]}")
    answer = json.loads(done.stdout)
    print(f"  {side.name}: {runs} runs of 3 × {points} points logged in {answer['seconds']} s", flush=True)
    return answer["experiment"]


def browser(job, sides, **more):
    """What ui.mjs answers."""
    addresses = {"slipway": {"url": f"http://localhost:{sides['slipway'].port}", "email": ADMIN, "password": PASSWORD},
                 "mlflow": {"url": f"http://localhost:{sides['mlflow'].port}"}}
    done = subprocess.run(["node", ROOT / "bench/ui.mjs"], input=json.dumps({"job": job, "sides": addresses, **more}), stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"ui.mjs could not measure {job}")
    answer = json.loads(done.stdout)
    browser.version = answer["version"]
    return answer["answer"]


def percentile(values, share):
    """The least that so many are not above."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


def html(side, path, rounds=5):
    """Median milliseconds to the first and to the last byte of a page, and its bytes as a browser gets them."""
    person = Person(SimpleNamespace(port=side.port, origin=f"http://localhost:{side.port}"), ADMIN)
    first, last = [], []
    for _ in range(rounds):
        link, begun = http.client.HTTPConnection("127.0.0.1", side.port, timeout=120), time.perf_counter()
        link.request("GET", path, headers={**person.headers(), "Accept": "text/html", "Accept-Encoding": "gzip, deflate, br", "Sec-Fetch-Mode": "navigate"})
        answer = link.getresponse()
        body = answer.read(1)
        first.append(1000 * (time.perf_counter() - begun))
        body += answer.read()
        last.append(1000 * (time.perf_counter() - begun))
        if answer.status != 200:
            raise SystemExit(f"{path} answered {answer.status}")
    return statistics.median(first), statistics.median(last), len(body)


def newest(side, experiment, count):
    found = Wire(side.port, side.token).call("POST", API + "runs/search", {"experiment_ids": [experiment], "max_results": count})
    return [run["info"]["run_id"] for run in found["runs"]]


def compare(experiment):
    return f"/t/{TEAM}/compare?experiment={experiment}"


def visited(sides, ids):
    """The pages that both have, and Slipway's chart of all runs."""
    runs = urllib.parse.quote(json.dumps(newest(sides["mlflow"], ids["mlflow"]["fifty"], 50)))
    ours, theirs, many = ids["slipway"], ids["mlflow"], EXPERIMENTS["many"][0]
    pages = [
        ("compare 50 runs", "slipway", compare(ours["fifty"]), "slipway chart", 50),
        ("compare 50 runs", "mlflow", f"/#/compare-runs?runs={runs}&experiments=%5B%22{theirs['fifty']}%22%5D", "mlflow compare", 50),
        ("chart of 100 runs", "slipway", compare(ours["hundred"]), "slipway chart", 100),
        ("chart of 100 runs", "mlflow", f"/#/experiments/{theirs['hundred']}/runs?compareRunsMode=CHART", "mlflow charts", 10),
        (f"list of {many:,} runs", "slipway", f"/t/{TEAM}/experiments/{ours['many']}", "slipway table", 0),
        (f"list of {many:,} runs", "mlflow", f"/#/experiments/{theirs['many']}/runs", "mlflow table", 0),
        (f"compare {many:,} runs", "slipway", compare(ours["many"]), "slipway chart", many),
    ]
    found = browser("pages", sides, rounds=options.rounds, pages=[dict(zip(("name", "side", "path", "usable", "argument"), page)) for page in pages])
    figures = {}
    for visit in found:
        for key, value in visit.items():
            if isinstance(value, (int, float)):
                figures.setdefault((visit["name"], visit["side"], visit["kind"], key), []).append(value)
    return {place: statistics.median(values) for place, values in figures.items()}


def alone(sides, ids, figures):
    """What has aims."""
    many = EXPERIMENTS["many"][0]
    of = lambda kind, key, page="compare": figures[f"{page} {many:,} runs", "slipway", kind, key]
    kb = lambda value: f"{value / 1000:,.0f} kB"
    row(f"run table of {many:,}: first paint, new browser", f"{of('cold', 'painted', 'list of'):,.0f} ms")
    first, last, size = html(sides["slipway"], compare(ids["slipway"]["many"]))
    row(f"compare page of {many:,}: HTML from the server", f"first byte {first:,.0f} ms, last {last:,.0f} ms, {kb(size)}")
    for kind, words in (("cold", "new browser"), ("warm", "second visit")):
        painted = of(kind, "painted")
        row(f"compare page of {many:,}: first paint, {words}", f"{painted:,.0f} ms", "", "", "≤ 500 ms", painted <= 500)
    row(f"compare page of {many:,}: chart drawn and alive", f"{of('cold', 'usable'):,.0f} ms, second visit {of('warm', 'usable'):,.0f} ms, {kb(of('cold', 'bytes'))}")
    for name, lines in (("many", many), ("fifty", 50)):
        found = browser("interactions", sides, path=compare(ids["slipway"][name]), lines=lines)
        every = [taken for kind in found["kinds"] for taken in kind["all"]]
        p95 = percentile(every, 0.95)
        row(f"compare page of {lines:,}: interaction to next paint, {len(every)} of {len(found['kinds'])} kinds",
            f"p50 {percentile(every, 0.5):,.0f} ms, p95 {p95:,.0f} ms", "", "", "p95 ≤ 100 ms", p95 <= 100)
        for kind in found["kinds"]:
            row(f"  {kind['name']}", f"p50 {percentile(kind['all'], 0.5):,.0f} ms, worst {max(kind['all']):,.0f} ms")
        for whole in found["whole"]:
            row(f"  {whole['name']}", f"p50 {percentile(whole['all'], 0.5):,.0f} ms")
        row(f"  chart reduced and painted on its canvas ({len(found['draws'])} times)", f"p50 {percentile(found['draws'] or [0], 0.5):,.1f} ms, worst {max(found['draws'], default=0):,.1f} ms")
        script, wasm = (found["after"][part] / 1048576 for part in ("js", "wasm"))
        row(f"compare page of {lines:,}: heap after that (JavaScript {script:.0f} MiB, wasm {wasm:.0f} MiB)", f"{script + wasm:.0f} MiB", "", "", "≤ 300 MiB", script + wasm <= 300)


def both(figures):
    """The pages that both have."""
    for name in dict.fromkeys(place[0] for place in figures if place[1] == "mlflow"):
        for kind, words in (("cold", "new browser"), ("warm", "second visit")):
            ours, theirs = (figures[name, side, kind, "usable"] for side in ("slipway", "mlflow"))
            row(f"{name}: usable, {words}", f"{ours:,.0f} ms", f"{theirs:,.0f} ms", f"{theirs / ours:.1f}×")
        for kind, words in (("cold", "new browser"), ("warm", "second visit")):
            ours, theirs = (figures[name, side, kind, "bytes"] for side in ("slipway", "mlflow"))
            row(f"{name}: loaded, {words}", f"{ours / 1000:,.0f} kB", f"{theirs / 1000:,.0f} kB", f"{theirs / max(ours, 1):.1f}×")


def live(sides, ids):
    """From a client's call to the paint of its point."""
    side, experiment = sides["slipway"], ids["slipway"]["fifty"]
    run = newest(side, experiment, 1)[0]
    # Each later than all before, also where the same servers are measured again.
    first = int(time.time())
    for i, (name, path, lines) in enumerate([("run page", f"/t/{TEAM}/runs/{run}?tab=charts", 1), ("compare page of 50", compare(experiment) + "&metric=loss", 50)]):
        found = browser("live", sides, path=path, lines=lines, run=run, token=side.token, points=options.points, first=first + i * 10_000)
        seen = [point["seen"] for point in found]
        answered = statistics.median(point["acknowledged"] for point in found)
        p95 = percentile(seen, 0.95)
        row(f"a client's point on the screen, {name} ({len(seen)})", f"p50 {percentile(seen, 0.5):.0f} ms (answered after {answered:.0f}), p95 {p95:.0f} ms",
            "", "", "p95 ≤ 500 ms", p95 <= 500)


def main():
    described = machine()
    print(f"Machine: {described}", flush=True)
    peer = "MLflow " + subprocess.run([VENV / "bin/python", "-c", "import importlib.metadata as m; print(m.version('mlflow'))"],
                                      capture_output=True, text=True, check=True).stdout.strip()
    own = not options.servers
    if own:
        sides = {"slipway": Slipway(None), "mlflow": Mlflow(None)}
    else:
        kept = json.loads(Path(options.servers).read_text())
        sides = {name: SimpleNamespace(name=name, **server) for name, server in kept["sides"].items()}
    try:
        if own:
            for side in sides.values():
                side.start()
            ids = {name: {key: seed(side, *of) for key, of in EXPERIMENTS.items()} for name, side in sides.items()}
        else:
            ids = kept["experiments"]
        load = os.getloadavg()[0]
        figures = visited(sides, ids)
        alone(sides, ids, figures)
        both(figures)
        live(sides, ids)
    finally:
        if own:
            for side in sides.values():
                side.dispose()
    heads = [("measured", "Slipway", peer, "ratio", "aim", "met"), ("---",) * 6]
    table = "\n".join("| " + " | ".join(line) + " |" for line in [*heads, *rows])
    report = (f"Machine: {described}, {load:.1f} when the browser began  \nChromium {browser.version} without a GPU, window of 1280 × 800, SQLite for both  \n"
              f"{time.strftime('%Y-%m-%d')}, pages: medians of {options.rounds} rounds, in turns\n\n{table}")
    print(f"\n{report}")
    if not options.quick:
        keep("screens", report)
    return 1 if any(line[5] == "NO" for line in rows) else 0


parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--points", type=int, default=50, help="that are logged to an open page")
parser.add_argument("--quick", action="store_true", help="a tenth of everything, to see that it works")
parser.add_argument("--servers", help='running servers with these runs: {"sides": {"slipway": {"port", "token"}, …}, "experiments": {"slipway": {"fifty": id, …}, …}}')
options = parser.parse_args() if __name__ == "__main__" else None

if __name__ == "__main__":
    if options.quick:
        options.rounds, options.points = 1, 5
        EXPERIMENTS["many"] = (1000, 20)
    sys.exit(main())

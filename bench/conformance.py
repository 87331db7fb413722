"""`make conformance`: asks a fresh portal for every endpoint that MLflow's own server has, runs MLflow's own client against it, writes docs/mlflow.md."""

import collections, json, os, re, subprocess, sys, tempfile, time
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
import mlflow
from mlflow.server.handlers import get_endpoints

from tracking import Slipway
from portal import ROOT
from wire import receive

PAGE = ROOT / "docs/mlflow.md"


def endpoints():
    """(method, path) of each endpoint of MLflow's server, once under /api/."""
    found = {(method, path) for path, _, methods in get_endpoints() for method in methods if method in ("GET", "POST", "PUT", "PATCH", "DELETE")}
    found |= {("POST", "/v1/traces"), ("GET", "/health"), ("GET", "/version"), ("GET", "/get-artifact")}
    both = {(m, p.replace("/ajax-api/", "/api/")) for m, p in found if p.startswith("/ajax-api/")}
    ajax_only = {(m, p.replace("/api/", "/ajax-api/")) for m, p in both - found}
    return sorted((m, p) for m, p in (found - {(m, p) for m, p in found if p.startswith("/ajax-api/")}) | ajax_only if "/graphql" not in p)


def asked(server, method, path):
    """`built`, `501` or `missing`: what an empty request to the endpoint is told."""
    path = re.sub(r"<[^>]*>", "x", path)
    link = server.wire.connect()
    body = b"{}" if method != "GET" else b""
    link.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost:{server.port}\r\nAuthorization: Bearer {server.token}\r\nConnection: close\r\n"
                 f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    status, answer, _ = receive(link)
    link.close()
    if status == 501:
        return "501"
    if status == 405 or b"ENDPOINT_NOT_FOUND" in answer:
        return "missing"
    if status >= 500:
        raise SystemExit(f"{method} {path} answered {status} {answer[:200]!r}")
    return "built"


def group(path):
    names = [part for part in path.split("/") if part not in ("", "api", "ajax-api", "2.0", "3.0", "mlflow")]
    return "artifacts" if names[0] in ("mlflow-artifacts", "get-artifact") else names[0].split("?")[0]


def client_tests():
    """Passed and failed of MLflow's own client, by file."""
    counts = collections.defaultdict(lambda: [0, 0])
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        subprocess.run([sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", ROOT / "end2end/mlflow"], cwd=ROOT)
        from xml.etree import ElementTree
        for case in ElementTree.parse(report).iter("testcase"):
            bad = any(child.tag in ("failure", "error") for child in case)
            counts[case.get("classname").rsplit(".", 1)[-1]][bad] += 1
    return counts


def main():
    server = Slipway(None)
    try:
        server.start()
        told = collections.defaultdict(lambda: collections.defaultdict(list))
        for method, path in endpoints():
            told[group(path)][asked(server, method, path)].append(f"{method} {path}")
    finally:
        server.dispose()
    counts = client_tests()
    lines = [
        "# MLflow's API in Slipway", "",
        f"Made by `make conformance` on {time.strftime('%Y-%m-%d')} against the endpoints and the client of MLflow {mlflow.__version__}. Each endpoint of MLflow's server was asked",
        "with an empty request: *built* answers in its own words, *501* says that Slipway does not have it. Nothing succeeds in silence.", "",
        "| group | built | 501 | not built |", "|---|---|---|---|"]
    for name in sorted(told):
        groups = told[name]
        lines.append(f"| {name} | {len(groups['built'])} | {len(groups['501'])} | {', '.join(f'`{e}`' for e in groups['missing'])} |")
    total = {state: sum(len(groups[state]) for groups in told.values()) for state in ("built", "501", "missing")}
    lines += [f"| **all** | **{total['built']}** | **{total['501']}** | {total['missing']} |", "",
              "MLflow's own client (`end2end/mlflow`), run unmodified:", "", "| tests | passed | failed |", "|---|---|---|"]
    lines += [f"| {name} | {good} | {bad} |" for name, (good, bad) in sorted(counts.items())]
    PAGE.write_text("\n".join(lines) + "\n")
    print(f"{total['built']} endpoints built, {total['501']} said to be absent, {total['missing']} missing; wrote {PAGE.relative_to(ROOT)}")
    return 1 if total["missing"] or any(bad for _, bad in counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

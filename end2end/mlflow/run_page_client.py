"""Logs a run with files of every kind and a trace, as a person's script does; prints the run's id and the trace's."""

import os
import sys
import tempfile

import mlflow
import pandas as pd

os.environ["MLFLOW_TRACKING_TOKEN"] = sys.argv[2]
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("looked at")
ATTACK = "<script>document.title='attacked'</script><img src=x onerror=\"document.title='attacked'\">"
# Tries to take what is not the page's, and writes down how that went.
PROBE = """<p id="found"></p><script>
const portal = 'http://' + location.host.replace('files.', '');
const tries = {
  cookie: () => document.cookie,
  parent: () => parent.document.title,
  storage: () => localStorage.length,
  fetch: () => fetch(portal + '/api/identity/me', { method: 'POST', credentials: 'include' }),
};
(async () => {
  const found = [];
  for (const [name, act] of Object.entries(tries)) {
    try { await act(); found.push(name + ' had'); } catch { found.push(name + ' refused'); }
  }
  document.getElementById('found').textContent = found.join('; ');
})();
</script>"""
PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082")

with mlflow.start_run(run_name="with files") as run:
    mlflow.log_text("first\nsecond\n", "notes.txt")
    mlflow.log_dict({"b": [1, 2], "a": "x"}, "config.json")
    mlflow.log_text("name,score\na,2\nb,10\n", "scores.csv")
    mlflow.log_text(f"# Report\n\n{ATTACK}\n\n[bad](javascript:alert(1))\n", "docs/report.md")
    mlflow.log_text(f"<h1>Page</h1>{ATTACK}{PROBE}", "docs/page.html")
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, "rows.parquet")
        pd.DataFrame({"name": ["a", "b"], "score": [0.5, None], "when": pd.to_datetime(["2026-05-01", "2026-05-02"])}).to_parquet(table)
        mlflow.log_artifact(table)
        mlflow.log_table({"question": ["what", "why"], "score": [1, 2]}, "answers.json")
        path = os.path.join(folder, "pixel.png")
        with open(path, "wb") as file:
            file.write(PIXEL)
        mlflow.log_artifact(path)
    for step in range(50):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    with mlflow.start_span("answer") as span:
        span.set_inputs({"question": "why?"})
        with mlflow.start_span("retrieve") as inner:
            inner.set_outputs({"found": 3})
        span.set_outputs({"answer": "because"})
mlflow.flush_trace_async_logging()
print(run.info.run_id, mlflow.get_last_active_trace_id())

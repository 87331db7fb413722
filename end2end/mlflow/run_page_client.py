"""Logs a run with files of every kind and a trace, as a person's script does; prints the run's id and the trace's."""

import os
import sys
import tempfile

import mlflow

os.environ["MLFLOW_TRACKING_TOKEN"] = sys.argv[2]
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("looked at")
ATTACK = "<script>document.title='attacked'</script><img src=x onerror=\"document.title='attacked'\">"
PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082")

with mlflow.start_run(run_name="with files") as run:
    mlflow.log_text("first\nsecond\n", "notes.txt")
    mlflow.log_dict({"b": [1, 2], "a": "x"}, "config.json")
    mlflow.log_text("name,score\na,2\nb,10\n", "scores.csv")
    mlflow.log_text(f"# Report\n\n{ATTACK}\n\n[bad](javascript:alert(1))\n", "docs/report.md")
    mlflow.log_text(f"<h1>Page</h1>{ATTACK}", "docs/page.html")
    with tempfile.TemporaryDirectory() as folder:
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

"""Fills the demo's team through MLflow's own client. Told on standard input, as JSON: the address, and the tokens of the team's admin and member.

Everything is seeded, so that each demo is the same but for its times.
"""

import datetime
import json
import os
import sys
import tempfile
from pathlib import Path

told = json.load(sys.stdin)
os.environ.update(
    MLFLOW_TRACKING_URI=told["address"],
    MLFLOW_REGISTRY_URI=told["address"],
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_HTTP_REQUEST_MAX_RETRIES="2",
    GIT_PYTHON_REFRESH="quiet",
    OMP_NUM_THREADS="2",
)
os.environ["MLFLOW_TRACKING_TOKEN"] = told["tokens"][0]


def say(text):
    print(text, flush=True)


say("Loading MLflow and scikit-learn")

import logging  # noqa: E402
import warnings  # noqa: E402

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import mlflow  # noqa: E402
import mlflow.data  # noqa: E402
import mlflow.sklearn  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Metric, Param, RunTag  # noqa: E402
from mlflow.models import infer_signature  # noqa: E402
from sklearn.datasets import load_diabetes, load_digits, make_classification  # noqa: E402
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor  # noqa: E402
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss, mean_absolute_error, r2_score, roc_auc_score  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402

try:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
except ImportError:
    pyplot = None

client = MlflowClient()
SEED = 7
MINUTE = 60_000
DAY = 24 * 60 * MINUTE
NOW = int(datetime.datetime.now(datetime.timezone.utc).timestamp() * 1000)
# Said once, so that saving a model need not find out by starting another Python.
NEEDS = ["scikit-learn"]
COMMITS = ["4f1c9a7be02d6358c1a9d4470be3f52a86c0d913", "b82e60d1f97a34c5e8802b6d13f7a9054cde7721", "09d7f3a5c1e24b8896ad50b7e3f1c2847a6b9e0d"]


def as_person(number):
    """Who logs from now on: 0 is Ada, 1 is Ben."""
    os.environ["MLFLOW_TRACKING_TOKEN"] = told["tokens"][number]


class Logged:
    """A run as a training script logs it, begun `days` before now and taking `minutes`."""

    def __init__(self, experiment, name, script, days, minutes, params, parent=None, note=None, tags=(), person="ada"):
        self.start, self.end = NOW - int(days * DAY), NOW - int(days * DAY) + int(minutes * MINUTE)
        marks = {"mlflow.runName": name, "mlflow.source.name": script, "mlflow.source.type": "LOCAL", "mlflow.user": person,
                 "mlflow.source.git.commit": COMMITS[int(days) % len(COMMITS)], "mlflow.source.git.branch": "main",
                 "mlflow.source.git.repoURL": "https://git.example.com/demo/models.git", "demo": "yes", **dict(tags)}
        if parent:
            marks["mlflow.parentRunId"] = parent
        if note:
            marks["mlflow.note.content"] = note
        self.run = client.create_run(experiment, start_time=self.start, tags=marks, run_name=name)
        self.id = self.run.info.run_id
        client.log_batch(self.id, params=[Param(key, str(value)) for key, value in params.items()])

    def curves(self, **series):
        """Each a list with one value a step, spread over the time that the run took."""
        points = []
        for key, values in series.items():
            for step, value in enumerate(values):
                points.append(Metric(key, float(value), self.start + (self.end - self.start) * step // max(len(values), 1), step))
        for at in range(0, len(points), 900):
            client.log_batch(self.id, metrics=points[at:at + 900])

    def scores(self, **values):
        client.log_batch(self.id, metrics=[Metric(key, float(value), self.end, 0) for key, value in values.items()])

    def read(self, frame, name, context, target=None):
        data = mlflow.data.from_pandas(frame, name=name, targets=target)
        mlflow_input = mlflow.entities.DatasetInput(data._to_mlflow_entity(), [mlflow.entities.InputTag("mlflow.data.context", context)])
        client.log_inputs(self.id, [mlflow_input])

    def text(self, text, path):
        client.log_text(self.id, text, path)

    def figure(self, figure, path):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / Path(path).name
            figure.savefig(file, dpi=110, bbox_inches="tight")
            pyplot.close(figure)
            client.log_artifact(self.id, str(file), str(Path(path).parent) if "/" in path else None)

    def model(self, model, example, name="model"):
        with mlflow.start_run(run_id=self.id):
            info = mlflow.sklearn.log_model(model, name=name, input_example=example, signature=infer_signature(example, model.predict(example)),
                                            pip_requirements=NEEDS, serialization_format="cloudpickle")
        return info.model_uri

    def done(self, status="FINISHED"):
        client.set_terminated(self.id, status, end_time=self.end)
        return self


def experiment(name, about, **tags):
    return client.create_experiment(name, tags={"demo": "yes", "mlflow.note.content": about, **tags})


def confusion(run, truth, found, labels):
    table = confusion_matrix(truth, found)
    rows = pd.DataFrame(table, index=labels, columns=labels)
    run.text(rows.to_csv(index_label="true"), "evaluation/confusion.csv")
    if pyplot is None:
        return
    figure, axes = pyplot.subplots(figsize=(4.6, 4.2))
    axes.imshow(table, cmap="Blues")
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    for (row, column), count in np.ndenumerate(table):
        axes.text(column, row, str(count), ha="center", va="center", fontsize=8, color="white" if count > table.max() / 2 else "black")
    run.figure(figure, "evaluation/confusion.png")


def register(name, uri, run, about, **tags):
    version = client.create_model_version(name, uri, run_id=run.id, description=about, tags={"demo": "yes", **tags})
    return version.version


# ---- Churn: a baseline, boosting, a search, a failure.

say("Churn: a baseline, boosted trees, a search of nine")
columns = ["tenure_months", "monthly_charge", "support_calls", "late_payments", "data_gb", "contract_months", "age", "referrals"]
values, target = make_classification(1600, len(columns), n_informative=6, n_redundant=1, flip_y=0.08, class_sep=0.9, weights=[0.72], random_state=SEED)
customers = pd.DataFrame(np.round(values * 3 + 20, 2), columns=columns)
customers["churned"] = target
train, held = train_test_split(customers, test_size=0.3, random_state=SEED, stratify=target)
x, y, x_held, y_held = train[columns], train["churned"], held[columns], held["churned"]
churn = experiment("churn", "Who is about to leave? Demo data: the customers are made up.", stage="production", owner="growth")


def churn_scores(run, model):
    chance = model.predict_proba(x_held)[:, 1]
    found = model.predict(x_held)
    run.scores(val_auc=roc_auc_score(y_held, chance), val_accuracy=accuracy_score(y_held, found), val_f1=f1_score(y_held, found))
    confusion(run, y_held, found, ["stays", "leaves"])
    return roc_auc_score(y_held, chance)


def boosted(run, depth, rate, trees):
    model = GradientBoostingClassifier(n_estimators=trees, max_depth=depth, learning_rate=rate, subsample=0.8, random_state=SEED).fit(x, y)
    run.curves(train_loss=[log_loss(y, p) for p in model.staged_predict_proba(x)],
               val_loss=[log_loss(y_held, p) for p in model.staged_predict_proba(x_held)],
               val_auc_by_tree=[roc_auc_score(y_held, p[:, 1]) for p in model.staged_predict_proba(x_held)])
    weights = pd.Series(model.feature_importances_, index=columns).sort_values(ascending=False)
    run.text(weights.to_csv(index_label="feature", header=["importance"]), "evaluation/importance.csv")
    return model


baseline = Logged(churn, "logistic-baseline", "train_churn.py", 13, 4, {"model": "logistic", "C": 1.0, "scaler": "none"},
                  note="## Baseline\n\nWhat everything else has to beat. *Demo data.*")
baseline.read(customers, "customers", "training", "churned")
first = LogisticRegression(max_iter=2000).fit(x, y)
baseline_auc = churn_scores(baseline, first)
baseline_uri = baseline.model(first, x.head(3))
baseline.done()

kept = []
for days, depth, rate, trees in [(11, 2, 0.1, 120), (9, 3, 0.08, 160), (3, 3, 0.05, 240)]:
    run = Logged(churn, f"boosted-depth-{depth}-{trees}", "train_churn.py", days, 21, {"model": "boosting", "max_depth": depth, "learning_rate": rate, "n_estimators": trees})
    run.read(customers, "customers", "training", "churned")
    model = boosted(run, depth, rate, trees)
    auc = churn_scores(run, model)
    run.text(f"# Boosted trees, depth {depth}\n\n| | |\n|---|---|\n| AUC on held-out customers | {auc:.4f} |\n| trees | {trees} |\n\nDemo data: the customers are made up.\n", "report.md")
    kept.append((run, run.model(model, x.head(3)), auc))
    run.done()

as_person(1)
broken = Logged(churn, "boosted-depth-12", "train_churn.py", 8, 2, {"model": "boosting", "max_depth": 12, "learning_rate": 2.5, "n_estimators": 40},
                note="Far too steep: the loss runs away after some trees.", person="ben")
broken.curves(train_loss=[0.6 * 1.22**step for step in range(34)])
broken.text("Traceback (most recent call last):\n  File \"train_churn.py\", line 48, in <module>\nFloatingPointError: the loss is not finite\n", "error.txt")
broken.done("FAILED")

search = Logged(churn, "search-2026", "search_churn.py", 6, 55, {"search": "grid", "depths": "2,3,4", "rates": "0.03,0.1,0.3"},
                note="Nine boosted models side by side; compare them in **Compare**.", person="ben")
best = 0
for place, (depth, rate) in enumerate((depth, rate) for depth in (2, 3, 4) for rate in (0.03, 0.1, 0.3)):
    child = Logged(churn, f"depth-{depth}-rate-{rate}", "search_churn.py", 6 - place * 0.004, 6, {"model": "boosting", "max_depth": depth, "learning_rate": rate, "n_estimators": 100},
                   parent=search.id, person="ben")
    child.read(customers, "customers", "training", "churned")
    best = max(best, churn_scores(child, boosted(child, depth, rate, 100)))
    child.done()
search.scores(best_val_auc=best)
search.done()

# ---- Digits: a small network, epoch by epoch.

say("Digits: a small network, 150 epochs, three times")
digits = load_digits()
pixels = pd.DataFrame(digits.data / 16, columns=[f"pixel_{i}" for i in range(64)])
train_x, test_x, train_y, test_y = train_test_split(pixels.values, digits.target, test_size=0.3, random_state=SEED, stratify=digits.target)
reading = experiment("digits", "Handwritten digits, 8 by 8 pixels: scikit-learn's own.", stage="research")
networks = []
for days, width, rate, person in [(10, 16, 0.002, 0), (5, 48, 0.002, 1), (2, 48, 0.006, 0)]:
    as_person(person)
    run = Logged(reading, f"mlp-{width}-{rate}", "train_digits.py", days, 34, {"hidden": width, "learning_rate": rate, "epochs": 150, "batch": 128}, person=["ada", "ben"][person])
    run.read(pixels.assign(digit=digits.target), "digits", "training", "digit")
    network = MLPClassifier((width,), learning_rate_init=rate, batch_size=128, random_state=SEED)
    loss, accuracy = [], []
    for _ in range(150):
        network.partial_fit(train_x, train_y, classes=range(10))
        loss.append(network.loss_)
        accuracy.append(accuracy_score(test_y, network.predict(test_x)))
    run.curves(loss=loss, val_accuracy=accuracy)
    confusion(run, test_y, network.predict(test_x), [str(digit) for digit in range(10)])
    networks.append((run, run.model(network, pd.DataFrame(test_x[:3], columns=pixels.columns).to_numpy()), accuracy[-1]))
    run.done()

# ---- Diabetes: regression.

say("Diabetes: two regressions")
patients = load_diabetes(as_frame=True)
frame = patients.frame
part, rest = train_test_split(frame, test_size=0.3, random_state=SEED)
progress = experiment("diabetes-progress", "How far the illness goes on within a year: scikit-learn's own data.", stage="research")
fits = []
for days, name, model, params in [(7, "ridge", Ridge(alpha=0.5), {"model": "ridge", "alpha": 0.5}),
                                  (4, "forest-120", RandomForestRegressor(120, min_samples_leaf=5, random_state=SEED), {"model": "forest", "n_estimators": 120})]:
    as_person(1)
    run = Logged(progress, name, "train_progress.py", days, 3, params, person="ben")
    run.read(frame, "diabetes", "training", "target")
    model.fit(part.drop(columns="target"), part["target"])
    found = model.predict(rest.drop(columns="target"))
    run.scores(val_mae=mean_absolute_error(rest["target"], found), val_r2=r2_score(rest["target"], found))
    run.text(pd.DataFrame({"true": rest["target"], "predicted": found.round(1)}).to_csv(index=False), "evaluation/predictions.csv")
    fits.append((run, run.model(model, part.drop(columns="target").head(3))))
    run.done()

# ---- The registry.

say("Models, versions and aliases")
as_person(0)
client.create_registered_model("churn", tags={"demo": "yes", "owner": "growth"},
                               description="Tells who is about to leave, from a customer's last months.\n\nDemo data: the customers are made up.")
register("churn", baseline_uri, baseline, f"The baseline. AUC {baseline_auc:.3f}.", reviewed="yes")
for number, (run, uri, auc) in enumerate(kept):
    register("churn", uri, run, f"Boosted trees. AUC {auc:.3f}.", reviewed="no" if number == 2 else "yes")
client.set_registered_model_alias("churn", "champion", "3")
client.set_registered_model_alias("churn", "candidate", "4")
client.create_registered_model("digits", tags={"demo": "yes", "owner": "research"}, description="Reads one handwritten digit. Demo data.")
for run, uri, accuracy in networks[:2]:
    register("digits", uri, run, f"{accuracy:.1%} of unseen digits.")
client.set_registered_model_alias("digits", "champion", "2")
as_person(1)
client.create_registered_model("diabetes-progress", tags={"demo": "yes", "owner": "research"}, description="How far the illness goes on within a year. Demo data.")
register("diabetes-progress", fits[1][1], fits[1][0], "The forest.")
client.set_registered_model_alias("diabetes-progress", "candidate", "1")

# ---- Traces of an assistant that answers from a few sentences.

say("Traces of a small assistant")
os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"
help_desk = experiment("help-desk", "An assistant that answers from the handbook. Demo data: it looks words up, no language model is asked.", stage="research")
mlflow.set_experiment(experiment_id=help_desk)
HANDBOOK = {"refund": "Refunds arrive within five working days.", "invoice": "Invoices are under Account, Billing.", "cancel": "A contract ends at the end of its month."}


@mlflow.trace(span_type="RETRIEVER")
def look_up(question):
    return [{"page_content": text, "metadata": {"source": f"handbook#{word}"}} for word, text in HANDBOOK.items() if word in question]


@mlflow.trace(span_type="CHAIN")
def answer(question):
    found = look_up(question)
    if not found:
        raise LookupError("The handbook has nothing about it.")
    return {"answer": found[0]["page_content"], "source": found[0]["metadata"]["source"]}


for question in ["When does my refund arrive?", "Where is the invoice of May?", "How do I cancel?", "Can I get a refund for June?", "What is the weather like?", "I want to cancel and get a refund."]:
    try:
        answer(question)
    except LookupError:
        pass
say("Done")

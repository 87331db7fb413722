"""The numbers of charts against pandas: smoothing and groups, from the command line's CSV."""

import math

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.entities import Metric, Param


@pytest.fixture(scope="module")
def histories(portal):
    """Points of three runs by run, two of them with one rate; with a gap, and steps that not all have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_TOKEN", portal.ada)
        return logged(portal)


def logged(portal):
    client = mlflow.MlflowClient(portal.uri)
    experiment = client.create_experiment(f"charts-{portal.mark}")
    rows = []
    for number, rate in enumerate(["0.1", "0.1", "0.5"]):
        run = client.create_run(experiment).info.run_id
        steps = [step for step in range(200) if step % (number + 2)]
        points = [(step, math.nan if step == 77 else math.sin(step * (number + 1)) + number) for step in steps]
        client.log_batch(run, [Metric("loss", value, 1_700_000_000_000 + step, step) for step, value in points], [Param("rate", rate)])
        rows += [(run, rate, step, value) for step, value in points]
    return experiment, pd.DataFrame(rows, columns=["run", "rate", "x", "value"])


def chart(portal, tmp_path, experiment, *options, kind="csv"):
    out = tmp_path / f"chart.{kind}"
    portal.command("chart", "--team", portal.red, "--user", f"ada-{portal.mark}@example.com", "--experiment", experiment, "--out", str(out), *options)
    return pd.read_parquet(out) if kind == "parquet" else pd.read_csv(out, dtype={"name": str, "run": str})


@pytest.mark.parametrize("kind", ["ema", "gaussian", "running"])
def test_smoothing_is_that_of_pandas(portal, histories, tmp_path, kind):
    experiment, points = histories
    found = chart(portal, tmp_path, experiment, "--smooth", "0.8", "--smoothing", kind)
    for run, own in points.dropna().groupby("run"):
        drawn = found[found.run == run].set_index("x").smoothed.dropna()
        series = points[points.run == run].set_index("x").value
        if kind == "ema":
            expected = own.set_index("x").value.ewm(alpha=0.2, adjust=True).mean()
        elif kind == "running":
            expected = series.rolling(9, center=True, min_periods=1).mean()
        else:
            weights = {d: math.exp(-0.5 * (d / 4) ** 2) for d in range(13)}
            near = lambda i: [(weights[abs(j - i)], series.iloc[j]) for j in range(max(0, i - 12), min(len(series), i + 13)) if series.iloc[j] == series.iloc[j]]
            expected = pd.Series([sum(w * v for w, v in near(i)) / sum(w for w, _ in near(i)) for i in range(len(series))], index=series.index)
        expected = expected[series.reindex(expected.index).notna()]
        pd.testing.assert_series_equal(drawn, expected, check_names=False, check_index_type=False, rtol=1e-9)


def test_smoothing_by_distance_is_that_of_numpy(portal, histories, tmp_path):
    experiment, points = histories
    found = chart(portal, tmp_path, experiment, "--smooth", "0.8", "--smoothing", "time")
    for run, own in points.groupby("run"):
        drawn = found[found.run == run].set_index("x").smoothed.dropna()
        x, values = own.x.to_numpy(float), own.value.to_numpy()
        # The weight's root for each thousandth of the axis that lies before a point; the first has none before it.
        apart = np.concatenate([[1.0], np.diff(x) / (x[-1] - x[0]) * 1000])
        there = np.isfinite(values)
        weights, values = np.minimum(math.sqrt(0.8) ** apart, 0.999)[there], values[there]
        # Written out instead of step by step: what each point counts at each later one.
        kept = np.array([[weights[j + 1 : i + 1].prod() if j <= i else 0.0 for j in range(len(values))] for i in range(len(values))])
        expected = (kept * (1 - weights) * values).sum(axis=1) / (1 - np.cumprod(weights))
        np.testing.assert_allclose(drawn.to_numpy(), expected, rtol=1e-9)


def test_a_chart_is_the_same_table_as_parquet(portal, histories, tmp_path):
    experiment, _ = histories
    for options in (["--group", "params.rate"], ["--chart", "parallel"]):
        text, packed = (chart(portal, tmp_path, experiment, *options, kind=kind) for kind in ("csv", "parquet"))
        assert len(text) > 1
        pd.testing.assert_frame_equal(text.fillna({"run": ""}), packed, check_dtype=False)


@pytest.mark.parametrize("band", ["extremes", "std", "stderr", "quantiles"])
@pytest.mark.parametrize("middle", ["mean", "median"])
def test_groups_are_those_of_pandas(portal, histories, tmp_path, band, middle):
    experiment, points = histories
    found = chart(portal, tmp_path, experiment, "--group", "params.rate", "--band", band, "--middle", middle)
    assert sorted(found.name.unique()) == ["0.1", "0.5"]
    for rate, own in points.dropna().groupby("rate"):
        drawn = found[found.name == rate].set_index("x")
        by_step = own.groupby("x").value
        expected = by_step.agg(middle)
        around = {"std": by_step.std(ddof=1).fillna(0), "stderr": by_step.sem(ddof=1).fillna(0)}
        low = {"extremes": by_step.min(), "quantiles": by_step.quantile(0.1)}.get(band)
        high = {"extremes": by_step.max(), "quantiles": by_step.quantile(0.9)}.get(band)
        low, high = (expected - around[band], expected + around[band]) if low is None else (low, high)
        for name, values in [("value", expected), ("low", low), ("high", high)]:
            pd.testing.assert_series_equal(drawn[name], values, check_names=False, check_index_type=False, rtol=1e-9)

"""A real API server takes every object, by server-side dry run; what it has no kind for is skipped by name."""

import os

import pytest
from kube import Cluster, Refused
from manifests import OBJECTS

# Kinds whose older version has the same fields, for servers that have only that one.
OLDER = {("policy/v1", "PodDisruptionBudget"): "policy/v1beta1", ("autoscaling/v2", "HorizontalPodAutoscaler"): "autoscaling/v2beta2"}


@pytest.fixture(scope="session")
def cluster():
    cluster = Cluster(os.environ["SLIPWAY_TEST_KUBECONFIG"])
    for name, thing in OBJECTS:
        if thing["kind"] == "Namespace":
            cluster.apply(thing, dry_run=False)
    return cluster


def missing(sent, kept, place=""):
    """Where a field that was sent is not in the answer."""
    if isinstance(sent, dict):
        return [m for key, value in sent.items() for m in ([f"{place}.{key}"] if key not in kept else missing(value, kept[key], f"{place}.{key}"))]
    if isinstance(sent, list):
        return [f"{place}[]"] if len(sent) != len(kept) else [m for i, v in enumerate(sent) for m in missing(v, kept[i], f"{place}[{i}]")]
    return [] if str(sent) == str(kept) else [f"{place}: {sent} became {kept}"]


@pytest.mark.parametrize("name,thing", OBJECTS, ids=[name for name, _ in OBJECTS])
def test_the_server_takes_it(cluster, name, thing):
    version, kind = thing["apiVersion"], thing["kind"]
    if not cluster.resource(version, kind):
        older = OLDER.get((version, kind))
        if not older or not cluster.resource(older, kind):
            pytest.skip(f"this server has no {version} {kind}")
        thing = {**thing, "apiVersion": older}
    kept = cluster.apply(thing, dry_run=True)
    assert missing(thing, kept) == []


def test_a_field_that_the_server_does_not_know_is_noticed(cluster):
    name, thing = next((n, t) for n, t in OBJECTS if t["kind"] == "Service")
    wrong = {**thing, "spec": {**thing["spec"], "typo": 1}}
    try:
        kept = cluster.apply(wrong, dry_run=True)
    except Refused:
        return
    # Old servers may drop it in silence.
    assert missing(wrong, kept) == [".spec.typo"]

"""What Slipway's service account may do on a real API server, and what it may not, asked in its name."""

import os, re

import pytest
from kube import Cluster, Refused
from manifests import DEPLOY, RENDERED

ACCOUNT, TEAM = "slipway/slipway", "slipway-red"
GROUPS = {"storageclasses": "storage.k8s.io", "networkpolicies": "networking.k8s.io", "rolebindings": "rbac.authorization.k8s.io",
          "clusterroles": "rbac.authorization.k8s.io"}
# Lines of the README's table: role, resource, verbs.
TABLE = [
    (role, resource, verb)
    for role, resources, verbs in re.findall(r"^\| `(slipway|slipway-team)` \| ([^|]+) \| ([a-z, ]+) \|", (DEPLOY / "README.md").read_text(), re.M)
    for resource in re.findall(r"`([a-z/]+)`", resources)
    for verb in verbs.split(", ")
]
# Verb, resource, namespace, name.
REFUSED = [
    *[(verb, "secrets", ns, "") for ns in ("kube-system", "default", "slipway", "") for verb in ("get", "list", "watch", "create", "patch", "delete")],
    *[(verb, "pods", ns, "") for ns in ("kube-system", "slipway", "") for verb in ("create", "patch", "delete", "deletecollection")],
    *[("create", f"pods/{sub}", ns, "") for ns in ("kube-system", TEAM) for sub in ("exec", "attach", "eviction", "ephemeralcontainers")],
    *[("get", "pods/log", "kube-system", ""), ("get", "pods/portforward", "kube-system", ""), ("create", "pods/portforward", "kube-system", "")],
    *[(verb, "namespaces", ns, ns) for ns in ("kube-system", "default", "slipway") for verb in ("patch", "update", "delete")],
    *[(verb, "nodes", "", "") for verb in ("patch", "update", "create", "delete")],
    *[(verb, f"nodes/{sub}", "", "") for sub in ("proxy", "status") for verb in ("get", "patch", "create")],
    *[(verb, kind, "", "") for kind in ("clusterroles", "clusterrolebindings") for verb in ("create", "patch", "update", "delete")],
    *[(verb, "roles", TEAM, "") for verb in ("create", "patch", "escalate")],
    *[("bind", "clusterroles", "", name) for name in ("cluster-admin", "admin", "edit", "slipway")],
    *[(verb, "rolebindings", ns, "") for ns in ("kube-system", TEAM, "") for verb in ("patch", "update", "delete")],
    *[(verb, "serviceaccounts", "kube-system", "") for verb in ("create", "patch", "impersonate")],
    *[("create", "serviceaccounts/token", ns, "") for ns in ("kube-system", "slipway", TEAM)],
    *[("impersonate", kind, "", "") for kind in ("users", "groups", "serviceaccounts")],
    *[(verb, "persistentvolumes", "", "") for verb in ("create", "patch", "delete")],
    *[(verb, "persistentvolumeclaims", "kube-system", "") for verb in ("create", "patch", "delete")],
    *[(verb, "networkpolicies", "kube-system", "") for verb in ("create", "patch", "delete")],
    *[("*", "*", ns, "") for ns in ("", "kube-system", TEAM)],
]


@pytest.fixture(scope="session")
def cluster():
    """With the portal's account and roles, and a team's namespace that the account made itself, in which it let itself work."""
    cluster = Cluster(os.environ["SLIPWAY_TEST_KUBECONFIG"])
    for thing in RENDERED["team"]:
        if thing["kind"] in ("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"):
            cluster.apply(thing, dry_run=False)
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM}}, account=ACCOUNT)
    cluster.create(binding("slipway", TEAM, "slipway-team"), account=ACCOUNT)
    return cluster


def binding(name, namespace, role):
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": "slipway", "namespace": "slipway"}],
    }


def test_the_table_and_the_roles_say_the_same():
    roles = {
        (role["metadata"]["name"], resource, verb)
        for role in RENDERED["team"] if role["kind"] == "ClusterRole"
        for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]
    }
    assert len(TABLE) == len(set(TABLE)) and set(TABLE) == roles
    for role in (r for r in RENDERED["team"] if r["kind"] == "ClusterRole"):
        for rule in role["rules"]:
            assert all(rule["apiGroups"] == [GROUPS.get(resource.split("/")[0], "")] for resource in rule["resources"])
            assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]] and "nonResourceURLs" not in rule


def test_the_engine_asks_for_nothing_that_is_missing():
    """What `slipway check` looks for is what the engine needs."""
    source = (DEPLOY.parent / "domain/src/compute/kubernetes/check.rs").read_text()
    needs = re.findall(r'\("([a-z0-9.]*)", "([a-z]+)", "([a-z]*)", &\[([^]]+)\]\)', source)
    wanted = {(resource + (f"/{sub}" if sub else ""), verb) for _, resource, sub, verbs in needs for verb in re.findall(r"[a-z]+", verbs)}
    assert len(needs) >= 12 and wanted <= {(resource, verb) for _, resource, verb in TABLE}


@pytest.mark.parametrize("role,resource,verb", TABLE)
def test_it_may_do_what_it_needs(cluster, role, resource, verb):
    name = "slipway-team" if verb == "bind" else ""
    namespace = TEAM if role == "slipway-team" else ""
    assert cluster.may(ACCOUNT, verb, GROUPS.get(resource, ""), resource, namespace, name)


@pytest.mark.parametrize("verb,resource,namespace,name", REFUSED)
def test_it_may_do_nothing_else(cluster, verb, resource, namespace, name):
    group = {"roles": "rbac.authorization.k8s.io", "clusterrolebindings": "rbac.authorization.k8s.io", "*": "*", **GROUPS}.get(resource, "")
    assert not cluster.may(ACCOUNT, verb, group, resource, namespace, name)


def test_the_server_does_what_it_said(cluster):
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": TEAM}, "stringData": {"a": "b"}}
    cluster.create(secret, account=ACCOUNT)
    labels = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    cluster.apply(labels, dry_run=False, account=ACCOUNT)
    kube_system = {**labels, "metadata": {**labels["metadata"], "name": "kube-system"}}
    refused = [
        lambda: cluster.create({**secret, "metadata": {"name": "a", "namespace": "kube-system"}}, account=ACCOUNT),
        lambda: cluster.ask("GET", "/api/v1/namespaces/kube-system/secrets", account=ACCOUNT),
        lambda: cluster.ask("GET", "/api/v1/secrets", account=ACCOUNT),
        lambda: cluster.create(binding("admin", TEAM, "cluster-admin"), account=ACCOUNT),
        lambda: cluster.create(binding("edit", TEAM, "edit"), account=ACCOUNT),
        lambda: cluster.apply(kube_system, dry_run=False, account=ACCOUNT),
        lambda: cluster.ask("DELETE", "/api/v1/namespaces/kube-system", account=ACCOUNT),
    ]
    for attempt in refused:
        with pytest.raises(Refused) as told:
            attempt()
        assert told.value.status == 403, told.value
    cluster.ask("DELETE", f"/api/v1/namespaces/{TEAM}")

"""What the folders say fits together, and fits the portal."""

import os, re

import pytest
from manifests import CHOICES, DEPLOY, RENDERED, SETTINGS, render

ALL = pytest.mark.parametrize("name", RENDERED)


def of(name, kind):
    return [thing for thing in RENDERED[name] if thing["kind"] == kind]


def deployment(name):
    (found,) = of(name, "Deployment")
    return found


def test_every_choice_is_rendered():
    assert len(RENDERED) == 1 + 3 * 2 * 2 + 3 * 2 * 2 * 2
    folders = {f.parent.name for f in (DEPLOY / "components").glob("*/kustomization.yaml")}
    assert folders == {name for choices in CHOICES.values() for names in choices for name in names}


@ALL
def test_settings_are_known_to_the_portal(name):
    variables = {key for config in of(name, "ConfigMap") for key in config["data"]}
    (container,) = deployment(name)["spec"]["template"]["spec"]["containers"]
    variables |= {variable["name"] for variable in container.get("env", [])}
    assert "SLIPWAY_PUBLIC_URL" in variables and variables <= SETTINGS
    # Variables of Services begin with SLIPWAY_ as well.
    assert deployment(name)["spec"]["template"]["spec"]["enableServiceLinks"] is False


@ALL
def test_ports_have_protocols_and_owners(name):
    pod = deployment(name)["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    ports = {port["name"] for port in container["ports"]}
    policies = [rule for p in of(name, "NetworkPolicy") for way in ("ingress", "egress") for rule in p["spec"].get(way, [])]
    for port in [*container["ports"], *[p for s in of(name, "Service") for p in s["spec"]["ports"]], *[p for r in policies for p in r["ports"]]]:
        assert port["protocol"] in ("TCP", "UDP"), port
    for service in of(name, "Service"):
        assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    for policy in of(name, "NetworkPolicy"):
        assert policy["spec"]["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
        named = {p["port"] for r in policy["spec"].get("ingress", []) for p in r["ports"]}
        assert named <= ports
    assert deployment(name)["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


@ALL
def test_the_pod_is_closed_but_for_who_is_let_in(name):
    policies = {p["metadata"]["name"]: p["spec"] for p in of(name, "NetworkPolicy")}
    deny = policies["slipway-default-deny"]
    assert set(deny["policyTypes"]) == {"Ingress", "Egress"} and not deny.get("ingress") and not deny.get("egress")
    let_in = {p for p, spec in policies.items() if spec.get("ingress")}
    parts = ["ingress", "servicemonitor"] if name == "example" else name.split("+")
    expected = {"ingress": "slipway-from-ingress", "gateway": "slipway-from-gateway", "servicemonitor": "slipway-from-monitoring"}
    assert let_in == {expected[part] for part in parts if part in expected}


@ALL
def test_probes_ask_what_the_portal_answers(name):
    (container,) = deployment(name)["spec"]["template"]["spec"]["containers"]
    router = (DEPLOY.parent / "server/src/router.rs").read_text()
    for probe, path in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz"), ("startupProbe", "/healthz")]:
        assert container[probe]["httpGet"]["path"] == path and f'("GET", "{path}", Access::Open' in router


@ALL
def test_one_deployment_and_two_roles(name):
    spec = deployment(name)["spec"]
    assert len(of(name, "ClusterRole")) + len(of(name, "Role")) == 2
    assert not of(name, "StatefulSet") and not of(name, "DaemonSet") and not of(name, "Secret")
    if name.startswith("small"):
        assert spec["strategy"]["type"] == "Recreate" and spec["replicas"] == 1 and of(name, "PersistentVolumeClaim")
    else:
        assert spec["strategy"]["type"] == "RollingUpdate" and of(name, "PodDisruptionBudget")
        scaled = bool(of(name, "HorizontalPodAutoscaler"))
        assert ("replicas" in spec) != scaled and (scaled or spec["replicas"] > 1)


@ALL
def test_notebooks_have_hosts_below_the_portals(name):
    hosts = [[rule["host"] for rule in thing["spec"]["rules"]] for thing in of(name, "Ingress")]
    hosts += [thing["spec"]["hostnames"] for thing in of(name, "HTTPRoute")]
    (config,) = of(name, "ConfigMap")
    host = config["data"]["SLIPWAY_PUBLIC_URL"].removeprefix("https://")
    assert all(found == [host, f"*.{host}"] for found in hosts)
    assert bool(hosts) == any(part in name for part in ("ingress", "gateway", "example"))
    for thing in of(name, "Ingress"):
        assert thing["spec"]["tls"][0]["hosts"] == [host, f"*.{host}"]


def test_the_recipe_for_another_namespace_takes_everything_along(tmp_path):
    (recipe,) = re.findall(r"```yaml\n(namespace: .*?)```", (DEPLOY / "README.md").read_text(), re.S)
    resource = os.path.relpath(DEPLOY / "overlays/team", os.path.realpath(tmp_path))
    component = os.path.relpath(DEPLOY / "components/every-namespace", os.path.realpath(tmp_path))
    (tmp_path / "kustomization.yaml").write_text(f"resources: [{resource}]\ncomponents: [{component}]\n{recipe}")
    things = render(tmp_path)
    assert sum(len(thing.get("subjects", [])) for thing in things) == 2
    for thing in things:
        assert thing["metadata"].get("namespace", "elsewhere") == "elsewhere", thing["kind"]
        assert thing["kind"] != "Namespace" or thing["metadata"]["name"] == "elsewhere"
        assert all(subject["namespace"] == "elsewhere" for subject in thing.get("subjects", []))


def test_the_readme_names_what_there_is():
    text = (DEPLOY / "README.md").read_text()
    for path in re.findall(r"\]\(([a-zA-Z./-]+)\)", text):
        assert (DEPLOY / path).exists(), path
    for component in (DEPLOY / "components").iterdir():
        assert f"`{component.name}`" in text, component.name

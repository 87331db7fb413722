"""A pod that breaks a rule fails it, and no other; every pod that these folders make passes all."""

import copy, inspect, re

import pod_security, pytest
from manifests import OBJECTS

GOOD = {
    "metadata": {},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "a", "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}],
    },
}
INIT = {"name": "b", "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
# Where something is set, what, and the rule that it breaks. C is the container.
C = ("spec", "containers", 0)
S, P = (*C, "securityContext"), ("spec", "securityContext")
BAD = [
    (("spec", "hostNetwork"), True, "host namespaces"),
    (("spec", "hostPID"), True, "host namespaces"),
    (("spec", "hostIPC"), True, "host namespaces"),
    ((*P, "windowsOptions"), {"hostProcess": True}, "host process"),
    ((*S, "windowsOptions"), {"hostProcess": True}, "host process"),
    ((*S, "privileged"), True, "privileged"),
    (("spec", "volumes"), [{"name": "v", "hostPath": {"path": "/"}}], "volume types"),
    (("spec", "volumes"), [{"name": "v", "nfs": {"server": "a", "path": "/"}}], "volume types"),
    (("spec", "volumes"), [{"name": "v"}], "volume types"),
    ((*C, "ports"), [{"containerPort": 80, "hostPort": 80}], "host ports"),
    ((*C, "livenessProbe"), {"httpGet": {"host": "169.254.169.254", "port": 80}}, "host of a probe"),
    ((*C, "readinessProbe"), {"tcpSocket": {"host": "10.0.0.1", "port": 80}}, "host of a probe"),
    ((*C, "lifecycle"), {"preStop": {"httpGet": {"host": "10.0.0.1", "port": 80}}}, "host of a probe"),
    (("metadata", "annotations"), {"container.apparmor.security.beta.kubernetes.io/a": "unconfined"}, "AppArmor"),
    ((*S, "appArmorProfile"), {"type": "Unconfined"}, "AppArmor"),
    ((*P, "appArmorProfile"), {"type": "Unconfined"}, "AppArmor"),
    ((*S, "seLinuxOptions"), {"type": "spc_t"}, "SELinux"),
    ((*P, "seLinuxOptions"), {"user": "system_u"}, "SELinux"),
    ((*S, "seLinuxOptions"), {"role": "system_r"}, "SELinux"),
    ((*S, "procMount"), "Unmasked", "/proc mount"),
    ((*P, "sysctls"), [{"name": "kernel.msgmax", "value": "1"}], "sysctls"),
    ((*S, "allowPrivilegeEscalation"), True, "privilege escalation"),
    ((*S, "allowPrivilegeEscalation"), None, "privilege escalation"),
    ((*P, "runAsNonRoot"), None, "non-root"),
    ((*P, "runAsNonRoot"), False, "non-root"),
    ((*S, "runAsNonRoot"), False, "non-root"),
    ((*P, "runAsUser"), 0, "non-root user"),
    ((*S, "runAsUser"), 0, "non-root user"),
    ((*P, "seccompProfile"), None, "seccomp"),
    ((*P, "seccompProfile"), {"type": "Unconfined"}, "seccomp"),
    ((*S, "seccompProfile"), {"type": "Unconfined"}, "seccomp"),
    ((*S, "capabilities"), {}, "capabilities"),
    ((*S, "capabilities"), {"drop": ["NET_RAW"]}, "capabilities"),
    ((*S, "capabilities"), {"drop": ["ALL"], "add": ["SYS_ADMIN"]}, "capabilities"),
    (("spec", "initContainers"), [{"name": "b", "securityContext": {**INIT["securityContext"], "privileged": True}}], "privileged"),
    (("spec", "ephemeralContainers"), [{"name": "b", "securityContext": {**INIT["securityContext"], "procMount": "Unmasked"}}], "/proc mount"),
]


def changed(place, value):
    pod = copy.deepcopy(GOOD)
    holder = pod
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    if value is None:
        del holder[place[-1]]
    return pod


def test_a_good_pod_breaks_nothing():
    assert pod_security.violations(GOOD) == set()
    assert pod_security.violations(changed(("spec", "initContainers"), [INIT])) == set()
    assert pod_security.violations(changed((*S, "capabilities"), {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]})) == set()


@pytest.mark.parametrize("place,value,rule", BAD, ids=lambda part: str(part)[:60])
def test_a_bad_pod_breaks_its_rule(place, value, rule):
    assert pod_security.violations(changed(place, value)) == {rule}


def test_each_rule_has_a_bad_pod():
    rules = set(re.findall(r'require\(.*, "([^"]+)"\)', inspect.getsource(pod_security)))
    assert len(rules) == 15 and rules == {rule for *_, rule in BAD}


def test_pods_are_found_in_what_makes_them():
    for kind, spec in [("Pod", GOOD["spec"]), ("Deployment", {"template": GOOD}), ("Job", {"template": GOOD}),
                       ("CronJob", {"jobTemplate": {"spec": {"template": GOOD}}})]:
        assert [t["spec"] for t in pod_security.templates({"kind": kind, "spec": spec})] == [GOOD["spec"]], kind
    assert pod_security.templates({"kind": "Service", "spec": {}}) == []


PODS = [(name, template) for name, thing in OBJECTS for template in pod_security.templates(thing)]


@pytest.mark.parametrize("name,template", PODS, ids=[name for name, _ in PODS])
def test_every_pod_keeps_all_rules(name, template):
    assert pod_security.violations(template) == set()
    spec = template["spec"]
    for container in spec["containers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["resources"]["requests"] and container["resources"]["limits"]["memory"]
    assert spec["securityContext"]["runAsUser"] > 0 and not spec.get("hostUsers")

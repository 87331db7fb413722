"""Every rule of the Pod Security Standard `restricted`, which holds all of `baseline`, written out: for clusters that cannot check it themselves."""

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}
SELINUX_TYPES = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


def violations(template):
    """Names of the rules that a pod (metadata and spec) breaks."""
    broken = set()

    def require(so, rule):
        if not so:
            broken.add(rule)

    spec, annotations = template.get("spec", {}), template.get("metadata", {}).get("annotations") or {}
    pod = spec.get("securityContext") or {}
    containers = [container for kind in CONTAINERS for container in spec.get(kind) or []]
    own = [container.get("securityContext") or {} for container in containers]
    both = [pod, *own]

    require(not any(spec.get(n) for n in ("hostNetwork", "hostPID", "hostIPC")), "host namespaces")
    require(not any((s.get("windowsOptions") or {}).get("hostProcess") for s in both), "host process")
    require(not any(s.get("privileged") for s in own), "privileged")
    require(all(set(volume) - {"name"} <= VOLUMES and len(volume) == 2 for volume in spec.get("volumes") or []), "volume types")
    require(not any(port.get("hostPort") for c in containers for port in c.get("ports") or []), "host ports")
    hooks = [c[p] for c in containers for p in ("livenessProbe", "readinessProbe", "startupProbe") if c.get(p)]
    hooks += [hook for c in containers for hook in (c.get("lifecycle") or {}).values() if isinstance(hook, dict)]
    require(not any((hook.get(kind) or {}).get("host") for hook in hooks for kind in ("httpGet", "tcpSocket")), "host of a probe")
    allowed = lambda profile: profile in ("runtime/default", "") or profile.startswith("localhost/")
    armor = [value for name, value in annotations.items() if name.startswith("container.apparmor.security.beta.kubernetes.io/")]
    fields = [(s.get("appArmorProfile") or {}).get("type", "RuntimeDefault") for s in both]
    require(all(map(allowed, armor)) and set(fields) <= {"RuntimeDefault", "Localhost"}, "AppArmor")
    selinux = [s.get("seLinuxOptions") or {} for s in both]
    require(all(s.get("type") in SELINUX_TYPES and not s.get("user") and not s.get("role") for s in selinux), "SELinux")
    require(all(s.get("procMount", "Default") == "Default" for s in own), "/proc mount")
    require(all(sysctl["name"] in SYSCTLS for sysctl in pod.get("sysctls") or []), "sysctls")
    require(all(s.get("allowPrivilegeEscalation") is False for s in own), "privilege escalation")
    require(all(s.get("runAsNonRoot", pod.get("runAsNonRoot")) is True for s in own), "non-root")
    require(pod.get("runAsNonRoot") is not False, "non-root")
    require(all(s.get("runAsUser") != 0 for s in both), "non-root user")
    seccomp = lambda s: (s.get("seccompProfile") or {}).get("type")
    require(seccomp(pod) in (None, "RuntimeDefault", "Localhost"), "seccomp")
    require(all((seccomp(s) or seccomp(pod)) in ("RuntimeDefault", "Localhost") for s in own), "seccomp")
    capabilities = [s.get("capabilities") or {} for s in own]
    require(all("ALL" in (c.get("drop") or []) and set(c.get("add") or []) <= {"NET_BIND_SERVICE"} for c in capabilities), "capabilities")
    return broken


def templates(thing):
    """The pods that an object makes."""
    spec = thing.get("spec") or {}
    return {
        "Pod": lambda: [thing],
        "CronJob": lambda: [spec["jobTemplate"]["spec"]["template"]],
    }.get(thing["kind"], lambda: [spec["template"]] if "spec" in (spec.get("template") or {}) else [])()

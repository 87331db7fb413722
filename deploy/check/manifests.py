"""What each overlay makes with each choice of components, rendered by the real kustomize."""

import hashlib, itertools, json, os, pathlib, re, shlex, subprocess, tempfile

import yaml

DEPLOY = pathlib.Path(__file__).resolve().parent.parent
CONFIG = (DEPLOY.parent / "server/src/config.rs").read_text()
# `kustomize build`, or `kubectl kustomize`.
RENDER = shlex.split(os.environ["KUSTOMIZE"])
# An HPA has nothing to do with one pod that owns its file.
CHOICES = {
    "small": [("ingress", "gateway"), ("servicemonitor",), ("every-namespace",)],
    "team": [("ingress", "gateway"), ("servicemonitor",), ("hpa",), ("every-namespace",)],
}


def render(folder):
    done = subprocess.run([*RENDER, str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, f"kustomize warns: {done.stderr}"
    return [thing for thing in yaml.safe_load_all(done.stdout) if thing]


def combined(overlay, components):
    with tempfile.TemporaryDirectory() as folder:
        here = lambda path: os.path.relpath(path, os.path.realpath(folder))
        text = {"resources": [here(DEPLOY / "overlays" / overlay)], "components": [here(DEPLOY / "components" / c) for c in components]}
        pathlib.Path(folder, "kustomization.yaml").write_text(yaml.safe_dump(text))
        return render(folder)


def everything():
    rendered = {"example": render(DEPLOY / "example")}
    for overlay, choices in CHOICES.items():
        for chosen in itertools.product(*[("", *names) for names in choices]):
            components = [c for c in chosen if c]
            rendered["+".join([overlay, *components])] = combined(overlay, components)
    return rendered


def distinct(rendered):
    """Each object once, named by the first installation that has it."""
    seen, found = set(), []
    for name, things in rendered.items():
        for thing in things:
            digest = hashlib.sha256(json.dumps(thing, sort_keys=True).encode()).hexdigest()
            if digest not in seen:
                seen.add(digest)
                found.append((f"{name}:{thing['kind']}/{thing['metadata']['name']}", thing))
    return found


RENDERED = everything()
OBJECTS = distinct(RENDERED)
# Settings that the portal knows; it refuses others.
SETTINGS = {"SLIPWAY_" + name.upper().replace("-", "_") for name in re.findall(r'\bkey\(\s*"([a-z-]+)"', CONFIG)}

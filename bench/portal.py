"""A release portal in a temporary folder, its command line, its server functions and its live stream; standard library only."""

import base64, http.client, json, os, shutil, signal, socket, sqlite3, struct, subprocess, tempfile, time, urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BINARY = TARGET / "release/slipway"
PASSWORD = "correct horse battery"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Portal:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="slipway-bench-"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.process = None
        # The settings of some other portal are not for this one.
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}

    @property
    def origin(self):
        return f"http://localhost:{self.port}"

    def start(self, path="/healthz"):
        """Starts serving; returns the seconds until the first answer on `path`."""
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}"],
            cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", path, headers={"Host": f"localhost:{self.port}"})
                connection.getresponse().read()
                return time.perf_counter() - begun
            except ConnectionError:
                if self.process.poll() is not None:
                    raise SystemExit("slipway ended while it was starting")
                time.sleep(0.001)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def command(self, *arguments, text=""):
        done = subprocess.run([BINARY, *arguments, "--data", self.data], cwd=self.folder, env=self.environment, input=text,
                              capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"slipway {' '.join(arguments)}: {done.stderr}")
        return done.stdout.strip()

    def resident_mib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024

    def database(self):
        return sqlite3.connect(self.data / "slipway.sqlite")

    def dispose(self):
        self.stop()
        shims = []
        for record in self.data.glob("workloads/*/shim.json"):
            try:
                pid = json.loads(record.read_text())["process"]["pid"]
                if b"shim" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGTERM)
                    shims.append(pid)
            except (OSError, KeyError, TypeError, ValueError):
                pass
        deadline = time.monotonic() + 15
        while any(Path(f"/proc/{pid}").exists() for pid in shims) and time.monotonic() < deadline:
            time.sleep(0.05)
        shutil.rmtree(self.folder, ignore_errors=True)


def form(value, name=""):
    """{"a": {"b": [1]}} as a[b][0]=1, which is how server functions take their arguments."""
    if value is None:
        return []
    if isinstance(value, bool):
        return [(name, "true" if value else "false")]
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in form(item, f"{name}[{key}]" if name else key)]
    if isinstance(value, list):
        return [pair for i, item in enumerate(value) for pair in form(item, f"{name}[{i}]")]
    return [(name, str(value))]


class Person:
    """Somebody who has signed in."""

    def __init__(self, portal, email):
        self.portal = portal
        self.cookie = ""
        self.connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=60)
        self.call("identity/sign_in", {"email": email, "password": PASSWORD, "next": "/"})

    def headers(self):
        return {"Host": f"localhost:{self.portal.port}", "Origin": self.portal.origin, "Sec-Fetch-Site": "same-origin", "Cookie": self.cookie,
                "Accept": "application/json"}

    def call(self, name, arguments, as_json=False):
        kind, body = ("application/json", json.dumps(arguments)) if as_json else (
            "application/x-www-form-urlencoded", urllib.parse.urlencode(form(arguments)))
        # The portal ends connections that are quiet for ten seconds, as between two measurements.
        self.connection.close()
        self.connection.request("POST", f"/api/{name}", body, {**self.headers(), "Content-Type": kind})
        answer = self.connection.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            pair = cookie.split(";")[0]
            if "session" in pair or "portal" in pair or "slipway" in pair:
                self.cookie = pair
        if answer.status >= 400:
            raise SystemExit(f"{name}: {answer.status} {text[:300]}")
        return json.loads(text) if text else None

    def launch(self, team, environment, version, name, memory="0.25"):
        fields = {"name": name, "environment": environment, "versions": {environment: version}, "cpus": "1", "memory": memory, "gpus": "0",
                  "home_kind": "new", "idle": True, "idle_minutes": "60", "key": f"{name}-{time.time_ns()}"}
        return self.call("notebooks/launch", {"team": team, "form": fields})

    def until(self, team, notebook, phases, patience=600):
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            found = self.call("notebooks/get", {"team": team, "id": notebook})
            if found["phase"] in phases:
                return found
            if found["phase"] == "failed":
                raise SystemExit(f"{found['spec']['name']} failed: {found['reason']}")
            time.sleep(0.05)
        raise SystemExit(f"{notebook} is still {found['phase']}")


class Live:
    """The live stream as a browser reads it."""

    def __init__(self, person):
        port = person.portal.port
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        head = {**person.headers(), "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        self.socket.sendall(f"GET /live HTTP/1.1\r\n{lines}\r\n".encode())
        self.stream = self.socket.makefile("rb")
        status = self.stream.readline()
        if b"101" not in status:
            raise SystemExit(f"/live answered {status.decode().strip()}")
        while self.stream.readline().strip():
            pass

    def message(self):
        """The next text message and the wall time in milliseconds at which it came."""
        while True:
            first, length = self.stream.read(2)
            length &= 0x7F
            if length == 126:
                length = struct.unpack(">H", self.stream.read(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self.stream.read(8))[0]
            payload = self.stream.read(length)
            if first & 0x0F == 1:
                return json.loads(payload), time.time() * 1000
            if first & 0x0F == 8:
                raise EOFError

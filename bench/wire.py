"""A small HTTP/1.1 client on raw sockets: the same bytes for every server, and little work of its own."""

import asyncio, itertools, json, socket, time

QUICKACK = 12  # TCP_QUICKACK: takes the 40 ms of delayed acknowledgements out of servers that answer in two segments.


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class Wire:
    """Requests to one server, and one kept connection for calls one after the other."""

    def __init__(self, port, token=""):
        self.port, self.token, self.socket = port, token, None

    def text(self, method, path, body=None):
        data = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost:{self.port}\r\n"
        if self.token:
            head += f"Authorization: Bearer {self.token}\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        return head.encode() + b"\r\n" + data

    def connect(self):
        link = socket.create_connection(("127.0.0.1", self.port), timeout=600)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return link

    def raw(self, text):
        """The body of the answer; a connection that the server has closed meanwhile is opened anew, once."""
        for attempt in (0, 1):
            self.socket = self.socket or self.connect()
            try:
                self.socket.sendall(text)
                status, body, close = receive(self.socket)
                break
            except (ConnectionError, EOFError):
                self.socket.close()
                self.socket = None
                if attempt:
                    raise
        if close:
            self.socket.close()
            self.socket = None
        if status != 200:
            raise SystemExit(f"answered {status}: {body[:300]!r} to {text[:120]!r}")
        return body

    def call(self, method, path, body=None):
        return json.loads(self.raw(self.text(method, path, body)) or b"{}")


def head_of(head):
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    length = int(lower[at + 17:lower.find(b"\r\n", at + 2)]) if at >= 0 else None
    return int(head[9:12]), length, b"transfer-encoding: chunked" in lower, b"connection: close" in lower


def receive(link):
    data = b""
    while b"\r\n\r\n" not in data:
        link.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)
        piece = link.recv(1 << 16)
        if not piece:
            raise EOFError
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    status, length, chunked, close = head_of(head + b"\r\n")
    pieces, got = [rest], len(rest)
    while (rest[-5:] != b"0\r\n\r\n") if chunked else (length is not None and got < length):
        piece = link.recv(1 << 20)
        if not piece:
            raise EOFError
        pieces.append(piece)
        got += len(piece)
        rest = (rest + piece)[-7:]
    body = b"".join(pieces)
    return status, (unchunked(body) if chunked else body), close


def unchunked(body):
    out = []
    while True:
        line, _, body = body.partition(b"\r\n")
        size = int(line.split(b";")[0] or b"0", 16)
        if not size:
            return b"".join(out)
        out.append(body[:size])
        body = body[size + 2:]


class Worker(asyncio.Protocol):
    """One kept connection that sends the next request when an answer is whole; refusals end the run, unless there is a list for them."""

    def __init__(self, requests, taken, refused, done):
        self.requests, self.taken, self.refused, self.done, self.data = requests, taken, refused, done, b""

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send()

    def send(self):
        text = next(self.requests, None)
        if text is None:
            self.transport.close()
            return
        self.begun = time.perf_counter()
        self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)
        self.transport.write(text)

    def data_received(self, piece):
        self.data += piece
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            return
        status, length, chunked, close = head_of(self.data[:end + 2])
        whole = self.data.endswith(b"0\r\n\r\n") if chunked else len(self.data) >= end + 4 + (length or 0)
        if not whole:
            return
        if status == 200:
            now = time.perf_counter()
            self.taken.append((now, now - self.begun))
        elif self.refused is None:
            raise SystemExit(f"answered {status}: {self.data[end:end + 300]!r}")
        else:
            self.refused.append(f"{status}: {self.data[end + 4:end + 204]!r}")
        self.data = b""
        if close:
            self.transport.close()
        else:
            self.send()

    def connection_lost(self, _):
        if not self.done.done():
            self.done.set_result(None)


def rate(wire, requests_of, clients, seconds, refused=None):
    """Answers a second from so many clients, and the milliseconds of each, ordered. `requests_of(client)` yields requests for ever. What the server
    refuses is not counted, and goes to `refused`; without it a refusal ends the run."""
    taken = []
    begun = last = time.perf_counter()
    end = begun + seconds
    if clients == 1:
        for text in requests_of(0):
            start = time.perf_counter()
            if start >= end:
                break
            wire.raw(text)
            last = time.perf_counter()
            taken.append(last - start)
    else:
        async def go():
            loop = asyncio.get_running_loop()

            async def client(number):
                source = requests_of(number)
                timed = itertools.takewhile(lambda _: time.perf_counter() < end, source)
                while time.perf_counter() < end:
                    done = loop.create_future()
                    await loop.create_connection(lambda: Worker(timed, taken, refused, done), "127.0.0.1", wire.port)
                    await done

            await asyncio.gather(*(client(number) for number in range(clients)))

        asyncio.run(go())
        last = max((at for at, _ in taken), default=begun)
        taken = [lasted for _, lasted in taken]
    # Until the last answer: a refusal may come half a minute later.
    return len(taken) / max(seconds, last - begun), sorted(t * 1000 for t in taken)


def repeated(wire, text, times):
    """Milliseconds of the same request, ordered, after one that warms up."""
    wire.raw(text)
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        wire.raw(text)
        taken.append((time.perf_counter() - start) * 1000)
    return sorted(taken)

"""Requests at a fixed rate, timed from when they were due, so that a slow answer is not hidden by the wait for it."""

import asyncio, time


async def connection_pool(port, size):
    pool = asyncio.Queue()
    for _ in range(size):
        pool.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    return pool


async def request(reader, writer, text):
    """One GET over a kept connection; returns the status and the body's length."""
    writer.write(text)
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        size = 0
        while True:
            chunk = int(await reader.readline(), 16)
            await reader.readexactly(chunk + 2)
            size += chunk
            if chunk == 0:
                break
    else:
        size = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(size)
    return int(head.split(b" ")[1]), size


def get(path, headers):
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()


async def at_rate(port, text, rate, seconds, connections=32):
    """Milliseconds of each request, sorted, at `rate` requests a second."""
    pool = await connection_pool(port, connections)
    taken = []

    async def one(due):
        reader, writer = await pool.get()
        status, _ = await request(reader, writer, text)
        taken.append((time.perf_counter() - due) * 1000)
        pool.put_nowait((reader, writer))
        if status != 200:
            raise SystemExit(f"answered {status}")

    begun = time.perf_counter()
    running = []
    for i in range(int(rate * seconds)):
        due = begun + i / rate
        await asyncio.sleep(max(0, due - time.perf_counter()))
        running.append(asyncio.create_task(one(due)))
    await asyncio.gather(*running)
    return sorted(taken)


async def as_fast_as_possible(port, text, seconds, connections=8):
    """Requests a second over so many connections, and one body's length."""
    pool = await connection_pool(port, connections)
    count, size = 0, 0
    end = time.perf_counter() + seconds

    async def worker():
        nonlocal count, size
        reader, writer = await pool.get()
        while time.perf_counter() < end:
            _, size = await request(reader, writer, text)
            count += 1

    await asyncio.gather(*(worker() for _ in range(connections)))
    return count / seconds, size


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

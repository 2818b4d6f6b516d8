"""A load generator: many open connections, a fixed number of requests a second, every answer looked at.

`python -m benchmarks.scale_load ADDRESS --connections N --rate R --seconds S --pairs P` prints one line of JSON.
Requests are sent on a schedule, each by the connection that has waited longest, and their wait counts from the moment
at which they were due: a server that falls behind cannot hide it. Run it on a core of its own.
"""

import argparse
import json
import resource
import selectors
import socket
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_HEAD_END = b"\r\n\r\n"
_TIMESTAMP = b'"timestamp":'
_GIVE_UP_SECONDS = 10.0
_CONNECTING_AT_ONCE = 500


@dataclass
class Seen:
    """What the answers were: statuses, answers without one of the pairs, ages and waits in ms."""

    statuses: Counter[str] = field(default_factory=Counter)
    incomplete: int = 0
    oldest_ms: int = 0
    waits_ms: list[float] = field(default_factory=list)

    def add(self, answer: bytes, body_start: int, pairs: int, wait_ms: float) -> None:
        status = answer[9:12].decode()
        self.statuses[status] += 1
        self.waits_ms.append(wait_ms)
        if status != "200":
            return
        time_at = answer.lower().index(b"x-market-data-time: ", 0, body_start) + 20
        now_ms = int(answer[time_at : time_at + 13])
        parts = answer[body_start:].split(_TIMESTAMP)[1:]
        self.incomplete += len(parts) != pairs
        for part in parts:
            self.oldest_ms = max(self.oldest_ms, now_ms - int(part[:13]))


class Load:
    """Connections that take turns; single-threaded."""

    def __init__(self, address: str, connections: int, pairs: int) -> None:
        parts = urlsplit(address)
        self._peer = parts.hostname or "127.0.0.1", parts.port or 80
        path = parts.path or "/api/market-data/prices"
        query = f"?{parts.query}" if parts.query else ""
        self._request = f"GET {path}{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        self._pairs = pairs
        self._selector = selectors.DefaultSelector()
        self._idle: deque[socket.socket] = deque()
        self._due_at: dict[socket.socket, float] = {}
        self._received: dict[socket.socket, bytes] = {}
        self.seen = Seen()
        self.lost = 0
        self.opened = 0
        self._open(connections)

    def run(self, rate: float, seconds: float) -> float:
        """Send `rate` requests a second for `seconds`; return the rate that was answered."""
        began_at = time.monotonic()
        ends_at, sent = began_at + seconds, 0
        while (now := time.monotonic()) < ends_at:
            while self._idle and sent < (now - began_at) * rate:
                self._send(self._idle.popleft(), began_at + sent / rate)
                sent += 1
            self._receive(0.0005)
        while self._due_at and time.monotonic() < ends_at + _GIVE_UP_SECONDS:
            self._receive(0.05)
        self.seen.statuses["unanswered"] += len(self._due_at)
        return len(self.seen.waits_ms) / seconds

    def still_open(self) -> int:
        """Return how many connections the server still holds; one that it closed is readable."""
        readable = {key.fileobj for key, _ in self._selector.select(0)}
        return sum(connection not in readable for connection in self._idle)

    def close(self) -> None:
        for connection in (*self._idle, *self._due_at):
            connection.close()
        self._selector.close()

    def _open(self, connections: int) -> None:
        for number in range(connections):
            connection = socket.create_connection(self._peer, timeout=_GIVE_UP_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setblocking(False)
            self._selector.register(connection, selectors.EVENT_READ)
            self._idle.append(connection)
            self.opened += 1
            if number % _CONNECTING_AT_ONCE == _CONNECTING_AT_ONCE - 1:
                time.sleep(0.05)  # no more than fit into the backlog at once

    def _send(self, connection: socket.socket, due_at: float) -> None:
        self._due_at[connection] = due_at
        self._received[connection] = b""
        try:
            connection.send(self._request)
        except OSError:
            self._lose(connection)

    def _receive(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            connection: Any = key.fileobj
            try:
                part = connection.recv(65_536)
            except OSError:
                part = b""
            if not part or connection not in self._due_at:
                self._lose(connection)
                continue
            answer = self._received[connection] = self._received[connection] + part
            body_start = answer.find(_HEAD_END) + len(_HEAD_END)
            if body_start < len(_HEAD_END) or len(answer) < body_start + _content_length(answer[:body_start]):
                continue
            wait_ms = (time.monotonic() - self._due_at.pop(connection)) * 1000
            self.seen.add(answer, body_start, self._pairs, wait_ms)
            self._idle.append(connection)

    def _lose(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        connection.close()
        self.lost += 1
        if self._due_at.pop(connection, None) is None:
            self._idle.remove(connection)


def _content_length(head: bytes) -> int:
    found = head.lower().partition(b"content-length: ")[2]
    return int(found.partition(b"\r\n")[0]) if found else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_load", description=__doc__)
    parser.add_argument("address", help="http://127.0.0.1:8000/api/market-data/prices?pairs=BTC/USD")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rate", type=float, default=5000.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pairs", type=int, default=4, help="how many prices a whole answer has")
    chosen = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < chosen.connections + 40:
        sys.exit(f"only {most} descriptors are allowed: raise ulimit -n above {chosen.connections + 40}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    load = Load(chosen.address, chosen.connections, chosen.pairs)
    answered = load.run(chosen.rate, chosen.seconds)
    waits = sorted(load.seen.waits_ms) or [0.0]
    figures = {f"p{part}_ms": round(waits[min(len(waits) - 1, int(len(waits) * part / 100))], 2) for part in (50, 99)}
    report = {
        "wished_rate": chosen.rate,
        "rate": round(answered, 1),
        "statuses": dict(load.seen.statuses),
        "incomplete": load.seen.incomplete,
        "oldest_price_ms": load.seen.oldest_ms,
        **figures,
        "longest_ms": round(waits[-1], 2),
        "connections": load.opened,
        "connections_lost": load.lost,
        "connections_still_open": load.still_open(),
    }
    sys.stdout.write(json.dumps(report) + "\n")
    load.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the simulated exchange was asked: the figures that a test of a client is about."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

KEPT_REQUESTS = 10_000


@dataclass
class LoggedRequest:
    """`status` is None while the answer is under way, and for a connection dropped before any answer.

    `client` is the address that it came from, without the port.
    `sent_bytes` is the length of head and body on the wire, whatever a fault cuts off.
    """

    method: str
    path: str
    query: str
    symbols: tuple[str, ...] | None
    received_at_ms: int
    received_monotonic: float
    user_agent: str = ""
    client: str = ""
    weight: int = 0
    sent_bytes: int = 0
    status: int | None = None
    finished_monotonic: float | None = None

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def symbol_count(self) -> int | None:
        return None if self.symbols is None else len(self.symbols)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "symbol_count": self.symbol_count}


class RequestLog:
    """Counts every request since the start or the last `clear`; keeps the last of them whole."""

    def __init__(self, *, now_ms: Callable[[], int], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now_ms = now_ms
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._in_progress: Counter[str] = Counter()
        self._reset()

    def _reset(self) -> None:
        self._counts: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._peaks: Counter[str] = Counter(self._in_progress)
        self._peak = self._in_progress.total()
        self._kept: deque[LoggedRequest] = deque(maxlen=KEPT_REQUESTS)

    def clear(self) -> None:
        with self._lock:
            self._reset()

    def start(
        self, path: str, query: str, *, symbols: tuple[str, ...] | None, method: str, user_agent: str, client: str
    ) -> LoggedRequest:
        request = LoggedRequest(method, path, query, symbols, self._now_ms(), self._monotonic(), user_agent, client)
        with self._lock:
            self._counts[path] += 1
            self._in_progress[path] += 1
            self._peaks[path] = max(self._peaks[path], self._in_progress[path])
            self._peak = max(self._peak, self._in_progress.total())
            self._kept.append(request)
        return request

    def finish(self, request: LoggedRequest, status: int | None, sent_bytes: int = 0) -> None:
        """End a request that is still in progress; called before its last byte is sent.

        So whoever has read an answer finds it in the log, and it does not count as in progress any more.
        """
        with self._lock:
            if request.finished_monotonic is not None:
                return
            request.status, request.finished_monotonic = status, self._monotonic()
            request.sent_bytes = sent_bytes
            self._in_progress[request.path] -= 1
            self._statuses["dropped" if status is None else str(status)] += 1

    @property
    def total(self) -> int:
        with self._lock:
            return self._counts.total()

    @property
    def max_concurrent(self) -> int:
        """Return the most requests that were ever being answered at once."""
        with self._lock:
            return self._peak

    @property
    def by_path(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)

    def count(self, path_ending: str) -> int:
        """Return the number of requests for a path, given whole or by its last parts (`exchangeInfo`)."""
        return sum(number for path, number in self.by_path.items() if path_matches(path, path_ending))

    def last(self, number: int | None = None, path_ending: str = "") -> list[LoggedRequest]:
        """Return the latest requests, oldest first; all that are kept where no number is given."""
        with self._lock:
            found = [request for request in self._kept if path_matches(request.path, path_ending)]
        return found if number is None else found[max(0, len(found) - number) :]

    def as_json(self, number: int) -> dict[str, Any]:
        latest = [request.as_json() for request in self.last(number)]
        with self._lock:
            return {
                "total": self._counts.total(),
                "by_path": dict(self._counts),
                "by_status": dict(self._statuses),
                "in_progress": self._in_progress.total(),
                "max_concurrent": self._peak,
                "max_concurrent_by_path": dict(self._peaks),
                "last": latest,
            }


def path_matches(path: str, wanted: str) -> bool:
    """Return whether a path is the one wanted, given whole or by its last parts; "" fits every path.

    A slash at the end, which Bitstamp's paths have, makes no difference.
    """
    if not wanted:
        return True
    path, wanted = path.rstrip("/"), wanted.rstrip("/")
    return path == wanted or path.endswith("/" + wanted.lstrip("/"))

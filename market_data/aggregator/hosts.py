"""Which of the exchange's hosts is asked first: one that failed rests, longer each time. Pure."""

import threading
from collections.abc import Callable, Sequence

from market_data.aggregator.backoff import ExponentialBackoff


class HostPreference:
    """Orders the hosts: those that do not rest as configured, then the resting ones, soonest back first."""

    def __init__(self, urls: Sequence[str], *, rest: ExponentialBackoff, monotonic: Callable[[], float]) -> None:
        self._urls = tuple(urls)
        self._rest = rest
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = dict.fromkeys(self._urls, 0)
        self._resting_until = dict.fromkeys(self._urls, 0.0)

    def in_order(self) -> tuple[str, ...]:
        """Return every host, the best first."""
        now = self._monotonic()
        with self._lock:
            return tuple(sorted(self._urls, key=lambda url: max(0.0, self._resting_until[url] - now)))

    def failed(self, url: str) -> None:
        """Let a host rest after a fault of its own."""
        with self._lock:
            self._failures[url] += 1
            self._resting_until[url] = self._monotonic() + self._rest.delay_seconds(self._failures[url])

    def succeeded(self, url: str) -> None:
        """Forget a host's faults."""
        with self._lock:
            self._failures[url] = 0
            self._resting_until[url] = 0.0

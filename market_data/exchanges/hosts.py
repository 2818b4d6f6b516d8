"""Which of the exchange's hosts is asked first: one that failed rests, longer each time. Pure."""

import threading
from collections.abc import Callable, Mapping, Sequence

from market_data.exchanges.backoff import ExponentialBackoff


class HostPool:
    """Orders the hosts: those that do not rest as configured, then the resting ones, soonest back first.

    A host that only failed is still asked where no other is left; one that blocks this address is not, for asking
    again and again is what firewalls punish.
    """

    def __init__(self, urls: Sequence[str], *, rest: ExponentialBackoff, monotonic: Callable[[], float]) -> None:
        self._urls = tuple(urls)
        self._rest = rest
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = dict.fromkeys(self._urls, 0)
        self._resting_until = dict.fromkeys(self._urls, 0.0)
        self._faults: dict[str, str] = {}
        self._blocking: set[str] = set()

    @property
    def best(self) -> str:
        """The host that is asked first, now or once it has rested."""
        with self._lock:
            return self._sorted()[0]

    def in_order(self) -> tuple[str, ...]:
        """Return the hosts that may be asked now, the best first; none where all block this address and rest."""
        with self._lock:
            return tuple(url for url in self._sorted() if not (url in self._blocking and self._rests(url)))

    def failed(self, url: str, fault: str = "", *, is_block: bool = False) -> None:
        """Let a host rest after a fault of its own; faults of requests that were under way together count once."""
        with self._lock:
            self._faults[url] = fault
            if is_block:
                self._blocking.add(url)
            if self._rests(url):
                return
            self._failures[url] += 1
            self._resting_until[url] = self._monotonic() + self._rest.delay_seconds(self._failures[url])

    def succeeded(self, url: str) -> None:
        """Forget a host's faults."""
        with self._lock:
            self._failures[url] = 0
            self._resting_until[url] = 0.0
            self._faults.pop(url, None)
            self._blocking.discard(url)

    def faults(self) -> Mapping[str, str | None]:
        """Return every host with the last fault that no success has followed."""
        with self._lock:
            return {url: self._faults.get(url) for url in self._urls}

    def seconds_until_request(self) -> float:
        """Return how long every host blocks this address; zero where one may be asked."""
        with self._lock:
            if not self._blocking.issuperset(self._urls):
                return 0.0
            return max(0.0, min(self._resting_until.values()) - self._monotonic())

    @property
    def needs_probe(self) -> bool:
        """Whether the best host blocked this address when it was last asked, so that one request should go ahead."""
        with self._lock:
            return self._sorted()[0] in self._blocking

    def _sorted(self) -> list[str]:
        now = self._monotonic()
        return sorted(self._urls, key=lambda url: max(0.0, self._resting_until[url] - now))

    def _rests(self, url: str) -> bool:
        return self._monotonic() < self._resting_until[url]

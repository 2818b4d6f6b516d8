"""Spares readers the wait for a Redis that is known not to answer. Pure."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from market_data.ticker_cache.errors import CacheUnavailableError

LONGEST_REST_SECONDS = 1.0


class ReadBreaker:
    """While Redis fails, one reader at a time finds out whether it is back; the others are told at once.

    Otherwise every reader would hold a thread of the web server for a whole time-out, and a few of them all threads.
    After a failure Redis is left alone for as long as that took, so one that refuses connections is asked every time.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._reason: str | None = None
        self._next_probe_at = 0.0
        self._is_probing = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let a read of Redis pass and note how it ended; raise `CacheUnavailableError` during an outage."""
        is_probe = self._begin()
        began_at = self._monotonic()
        try:
            yield
        except CacheUnavailableError as error:
            self._note(str(error), rest_seconds=self._monotonic() - began_at)
            raise
        else:
            self._note(None)
        finally:
            if is_probe:
                self._is_probing = False

    def _begin(self) -> bool:
        with self._lock:
            if self._reason is None:
                return False
            if self._is_probing or self._monotonic() < self._next_probe_at:
                raise CacheUnavailableError(self._reason)
            self._is_probing = True
            return True

    def _note(self, reason: str | None, rest_seconds: float = 0.0) -> None:
        with self._lock:
            self._reason = reason
            self._next_probe_at = self._monotonic() + min(rest_seconds, LONGEST_REST_SECONDS)

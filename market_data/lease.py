"""The right to be the one active fetcher: taken, renewed and given back in Redis, judged by the own clock."""

import os
import socket
import threading
import uuid
from collections.abc import Callable

from market_data.ticker_cache import CacheUnavailableError, LeaseLostError, TickerCache

_RENEWALS_PER_LIFE = 4


class FetcherLease:
    """Holds the lease as long as a thread renews it and the fetcher itself shows signs of life.

    `is_held` needs no answer from Redis: it turns false when the life that the last renewal bought is over, as it is
    for a process that was stopped for a while and wakes up.
    """

    def __init__(self, cache: TickerCache, *, ttl_ms: int, patience_ms: int, monotonic: Callable[[], float]) -> None:
        self.token = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._cache = cache
        self._ttl_ms = ttl_ms
        self._patience_seconds = patience_ms / 1000
        self._monotonic = monotonic
        self._held_until = 0.0
        self._last_sign_of_life = 0.0
        self._is_closing = threading.Event()
        self._renewer: threading.Thread | None = None

    @property
    def is_held(self) -> bool:
        """Whether this process is the active fetcher for certain."""
        return self._monotonic() < self._held_until

    def sign_of_life(self) -> None:
        """Tell the renewing thread that the fetcher moves on; without it the lease runs out."""
        self._last_sign_of_life = self._monotonic()

    def try_acquire(self) -> bool:
        """Take the lease if it is free; raise `CacheUnavailableError`."""
        asked_at = self._monotonic()
        if not self._cache.acquire_lease(self.token, self._ttl_ms):
            return False
        self._held_until = asked_at + self._ttl_ms / 1000
        self.sign_of_life()
        if self._renewer is None:
            self._renewer = threading.Thread(target=self._keep, name="lease", daemon=True)
            self._renewer.start()
        return True

    def renew(self) -> None:
        """Prolong the lease now; raise `LeaseLostError` or `CacheUnavailableError`."""
        asked_at = self._monotonic()
        self._cache.renew_lease(self.token, self._ttl_ms)
        self._held_until = asked_at + self._ttl_ms / 1000
        self.sign_of_life()

    def lose(self) -> None:
        """Note that another fetcher has it."""
        self._held_until = 0.0

    def release(self) -> None:
        """Give the lease back, so that a standby takes over at once; quiet where that cannot be told to Redis."""
        self._is_closing.set()
        was_held = self.is_held
        self.lose()
        if was_held:
            try:
                self._cache.release_lease(self.token)
            except (CacheUnavailableError, LeaseLostError):
                return

    def _keep(self) -> None:
        while not self._is_closing.wait(self._ttl_ms / 1000 / _RENEWALS_PER_LIFE):
            asked_at = self._monotonic()
            is_alive = asked_at - self._last_sign_of_life < self._patience_seconds
            if not (self.is_held and is_alive):
                continue
            try:
                self._cache.renew_lease(self.token, self._ttl_ms)
            except LeaseLostError:
                self.lose()
            except CacheUnavailableError:
                continue
            else:
                self._held_until = asked_at + self._ttl_ms / 1000

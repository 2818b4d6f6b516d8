"""The right to be the one active fetcher: taken, renewed and given back in Redis, judged by the own clock."""

import os
import socket
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress

from market_data.fetcher.lease_rival import LeaseRival
from market_data.ticker_cache.cache import TickerCache
from market_data.ticker_cache.errors import CacheUnavailableError, LeaseLostError

_RENEWALS_PER_LIFE = 4


def on_a_thread(renew_again_and_again: Callable[[], None]) -> None:
    """Start the renewals on a thread of their own, which does not keep the process from ending."""
    threading.Thread(target=renew_again_and_again, name="lease", daemon=True).start()


class FetcherLease:
    """Holds the lease as long as a thread renews it and the fetcher itself shows signs of life.

    `is_held` needs no answer from Redis: it turns false when the life that the last renewal bought is over, as it is
    for a process that was stopped for a while and wakes up.
    """

    def __init__(
        self,
        cache: TickerCache,
        *,
        ttl_ms: int,
        patience_ms: int,
        monotonic: Callable[[], float],
        start_renewing: Callable[[Callable[[], None]], None] = on_a_thread,
    ) -> None:
        self.token = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._cache = cache
        self._ttl_ms = ttl_ms
        self._patience_seconds = patience_ms / 1000
        self._monotonic = monotonic
        self._rival = LeaseRival(self.token, ttl_ms)
        self._held_until = 0.0
        self._last_sign_of_life = 0.0
        self._is_closing = threading.Event()
        self._start_renewing = start_renewing
        self._is_renewing = False

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
        if not (self._is_free(asked_at) and self._cache.acquire_lease(self.token, self._ttl_ms)):
            return False
        self._held_until = asked_at + self._ttl_ms / 1000
        self.sign_of_life()
        if not self._is_renewing:
            self._is_renewing = True
            self._start_renewing(self._keep)
        return True

    def renew(self) -> None:
        """Prolong the lease now; raise `LeaseLostError` or `CacheUnavailableError`."""
        asked_at = self._monotonic()
        try:
            self._cache.renew_lease(self.token, self._ttl_ms)
        except LeaseLostError:
            self.lose()
            raise
        self._held_until = asked_at + self._ttl_ms / 1000

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

    def _is_free(self, asked_at: float) -> bool:
        try:
            lease = self._cache.read_lease()
        except CacheUnavailableError:
            self._rival.out_of_sight(self._monotonic())
            raise
        return self._rival.leaves_free(lease, asked_at)

    def _keep(self) -> None:
        while not self._is_closing.wait(self._ttl_ms / 1000 / _RENEWALS_PER_LIFE):
            self.keep()

    def keep(self) -> None:
        """Prolong the lease where it is held and the fetcher shows signs of life; what the renewing thread does."""
        is_alive = self._monotonic() - self._last_sign_of_life < self._patience_seconds
        if self.is_held and is_alive:
            with suppress(LeaseLostError, CacheUnavailableError):
                self.renew()

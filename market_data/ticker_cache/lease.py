"""The lease in Redis, which makes one fetcher the active one. `fetcher/lease.py` decides what to do with it."""

from dataclasses import dataclass

from market_data.conf.declarations import MAX_LEASE_TTL_MS
from market_data.ticker_cache import scripts
from market_data.ticker_cache.errors import LeaseLostError
from market_data.ticker_cache.keys import LEASE_KEY, RELEASED_KEY, RELEASED_TTL_MS
from market_data.ticker_cache.store import Store


@dataclass(frozen=True, slots=True)
class LeaseReading:
    """The lease as it lies in Redis: its holder, how long it lives on, and who gave it back last."""

    holder: str | None
    remaining_ms: int
    released_by: str | None


class LeaseStore(Store):
    """Reads, takes, prolongs and gives back the lease."""

    def read_lease(self) -> LeaseReading:
        """Return who holds the lease, for how long, and who gave it back last.

        A lease that no fetcher can have written is given an end, or deleted.
        """
        keys, arguments = [LEASE_KEY, RELEASED_KEY], [MAX_LEASE_TTL_MS]
        _, holder, remaining_ms, released_by = self._connection.run(scripts.READ_LEASE, keys, arguments)
        return LeaseReading(_text(holder), remaining_ms, _text(released_by))

    def acquire_lease(self, token: str, ttl_ms: int) -> bool:
        """Take the lease if nobody holds it, or prolong the own one; return whether this token holds it now."""
        (is_taken,) = self._connection.ask(("SET", LEASE_KEY, token, "PX", ttl_ms, "NX"))
        if is_taken:
            return True
        try:
            self.renew_lease(token, ttl_ms)
        except LeaseLostError:
            return False
        return True

    def renew_lease(self, token: str, ttl_ms: int) -> None:
        """Prolong the lease; raise `LeaseLostError` where another token holds it, or none."""
        self._connection.run(scripts.RENEW_LEASE, [LEASE_KEY], [token, ttl_ms])

    def release_lease(self, token: str) -> None:
        """Give the lease back; raise `LeaseLostError` where it was lost already."""
        self._connection.run(scripts.RELEASE_LEASE, [LEASE_KEY, RELEASED_KEY], [token, RELEASED_TTL_MS])


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode(errors="replace")

"""What an inspection asks of the server itself: how long keys live on, and `INFO`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from market_data.ticker_cache.failures import is_refusal
from market_data.ticker_cache.keys import LEASE_KEY, PRICE_KEY_PREFIX
from market_data.ticker_cache.store import Store


@dataclass(frozen=True, slots=True)
class CacheLives:
    """What is left of lives, in ms: of the current prices by pair, and of the lease. Without an end is absent."""

    prices_ms: Mapping[str, int]
    lease_ms: int | None


class ServerStore(Store):
    """Reads what a web server needs no right to; without the right it is absent."""

    def read_lives(self, pairs: Sequence[str]) -> CacheLives:
        """Return for how long the current prices of `pairs` and the lease will be kept."""
        keys = [LEASE_KEY, *(PRICE_KEY_PREFIX + pair for pair in pairs)]
        lives_ms = self._connection.read(*(("PTTL", key) for key in keys), tolerates=is_refusal)
        lease_ms, *prices_ms = (life_ms if life_ms is not None and life_ms >= 0 else None for life_ms in lives_ms)
        found = zip(pairs, prices_ms, strict=True)
        return CacheLives({pair: life_ms for pair, life_ms in found if life_ms is not None}, lease_ms)

    def read_server(self) -> Mapping[str, Any]:
        """Return what the server says of itself, by the names of `INFO`."""
        (facts,) = self._connection.read(("INFO",), tolerates=is_refusal)
        return cast("Mapping[str, Any]", facts or {})

"""`market_data_history:{pair}`: a list of points, JSON text `[timestamp,price,"kraken"]` in the exchange's digits.

A point without an exchange is of a version that knew only one.
"""

import re
from collections.abc import Iterable, Sequence

from market_data.ticker.record import TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache import scripts
from market_data.ticker_cache.failures import is_wrong_type
from market_data.ticker_cache.keys import HISTORY_KEY_PREFIX, HISTORY_TTL_MS, LEASE_KEY, SOURCE_KEY
from market_data.ticker_cache.store import Store

STEP_MS = 15_000
"""Two points of a pair lie at least so far apart."""
MAX_POINTS = HISTORY_TTL_MS // STEP_MS
MAX_SERIES_BYTES = 64 * 1024
"""Over three times what a series of the longest points takes in Redis."""

# Thirteen digits of Unix ms last from 2001 to 2286, and let points be put in order as text.
_POINT = re.compile(rb'\[[1-9][0-9]{12},(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,20})?(?:,"[a-z0-9_-]{1,20}")?\]')


class HistoryStore(Store):
    """Reads and prolongs the series of prices."""

    def read_history(self, pairs: Sequence[str], points: int) -> dict[str, list[bytes]]:
        """Return the newest points of each pair as JSON text, oldest first; none for a key of another type."""
        ranges = [("LRANGE", key, -points, -1) for key in keys_of(pairs)]
        (source,), *series = self._connection.read(("MGET", SOURCE_KEY), *ranges, tolerates=is_wrong_type)
        self._remembered_source(source)
        return {pair: good_points(found or ()) for pair, found in zip(pairs, series, strict=True)}

    def write_history(self, token: str, records: Sequence[TickerRecord], source: Source) -> None:
        """Add a point to the series of each record's pair, unless it has one as young; raise `LeaseLostError`.

        Where the cache holds prices of another source by now, nothing is added.
        """
        keys = [LEASE_KEY, SOURCE_KEY, *keys_of(record.pair for record in records)]
        points = map(_point, records)
        bounds = [STEP_MS, HISTORY_TTL_MS, MAX_POINTS, MAX_SERIES_BYTES]
        self._connection.run(scripts.WRITE_HISTORY, keys, [token, source.value, *bounds, *points])


def keys_of(pairs: Iterable[str]) -> list[str]:
    """Return where the pairs' series lie."""
    return [HISTORY_KEY_PREFIX + pair for pair in pairs]


def _point(record: TickerRecord) -> bytes:
    exchange = f',"{record.exchange}"' if record.exchange else ""
    return f"[{record.received_at_ms},{record.price:f}{exchange}]".encode()


def good_points(elements: Iterable[bytes]) -> list[bytes]:
    """Return those elements that are points, oldest first."""
    return sorted(filter(_POINT.fullmatch, elements))

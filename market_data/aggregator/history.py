"""Which prices become points of a pair's history: those written to the cache, one a pair every 15 s."""

import logging
from collections.abc import Callable, Iterable

from market_data.logs.incidents import IncidentLog
from market_data.ticker.record import TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache.cache import TickerCache
from market_data.ticker_cache.errors import CacheUnavailableError, LeaseLostError
from market_data.ticker_cache.history import STEP_MS

logger = logging.getLogger(__name__)

FAILURE = "the history of prices cannot be written"


class PriceHistory:
    """Collects the records of refresh cycles and writes those that are due, under the lease `token`.

    What is not fetched has no point: a gap in the data stays a gap.
    """

    def __init__(self, cache: TickerCache, token: str, monotonic: Callable[[], float]) -> None:
        self._cache = cache
        self._token = token
        self._incidents = IncidentLog(logger, monotonic)
        self._source: Source | None = None
        self._noted: dict[str, TickerRecord] = {}
        self._written_at_ms: dict[str, int] = {}

    def note(self, records: Iterable[TickerRecord], source: Source) -> None:
        """Remember records that were written to the cache, instead of earlier ones of their pairs."""
        if source is not self._source:
            self._source = source
            self._noted.clear()
            self._written_at_ms.clear()
        self._noted.update((record.pair, record) for record in records)

    def write_due(self) -> None:
        """Write what is due in one call. A failure is logged once and costs points, never a price."""
        due = [record for record in self._noted.values() if self._is_due(record)]
        self._noted = {}
        if self._source is None or not due:
            return
        try:
            self._cache.write_history(self._token, due, self._source)
        except LeaseLostError:
            return  # the fetcher finds out by itself, and says so
        except CacheUnavailableError as error:
            self._incidents.began(FAILURE, str(error))
            return
        self._incidents.over(FAILURE)
        self._written_at_ms.update((record.pair, record.received_at_ms) for record in due)

    def _is_due(self, record: TickerRecord) -> bool:
        # A clock that was set back does not make a pair wait for the time that it showed before.
        written_at_ms = self._written_at_ms.get(record.pair)
        return written_at_ms is None or not 0 <= record.received_at_ms - written_at_ms < STEP_MS

"""The prices in Redis: current, last known, and whose they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from market_data.ticker.availability import Availability, PriceLives, availability
from market_data.ticker.record import StoredTicker, TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache import keys as contract
from market_data.ticker_cache import scripts
from market_data.ticker_cache.store import Store


@dataclass(frozen=True, slots=True)
class CacheReading:
    """What the cache held for the pairs asked for; pairs without a usable record are absent."""

    current: Mapping[str, StoredTicker]
    last_known: Mapping[str, StoredTicker]
    source: Source

    def availability(self, pair: str, now_ms: int, lives: PriceLives, max_stale_ms: int = 0) -> Availability:
        """Return what stands for the pair now, for a reader who accepts a price so far past its life."""
        return availability(self.current.get(pair), self.last_known.get(pair), now_ms, lives, max_stale_ms)


NO_PRICES = CacheReading(current={}, last_known={}, source=Source.BINANCE)


class PriceStore(Store):
    """Reads prices, and writes those that were received at one instant."""

    def read(self, pairs: Sequence[str], *, include_last_known: bool = False) -> CacheReading:
        """Return the cached records of `pairs`, and their last known ones if asked for, from one MGET."""
        keys = [contract.PRICE_KEY_PREFIX + pair for pair in pairs]
        if include_last_known:
            keys += [contract.LAST_KNOWN_KEY_PREFIX + pair for pair in pairs]
        ((source, *values),) = self._connection.read(("MGET", contract.SOURCE_KEY, *keys))
        return CacheReading(
            current=_stored_tickers(pairs, values[: len(pairs)]),
            last_known=_stored_tickers(pairs, values[len(pairs) :]) if include_last_known else {},
            source=self._remembered_source(source),
        )

    def write_tickers(self, token: str, records: Sequence[TickerRecord], source: Source) -> None:
        """Write records that were received at one instant, all or none; raise `LeaseLostError`.

        Their lives in Redis count from that instant. Prices of another source never lie beside these: they are
        dropped first.
        """
        if not records:
            return
        age_ms = max(0, self.clock.now_ms() - records[0].received_at_ms)
        if age_ms >= self._cache_ttl_ms:
            return
        keys = [
            contract.LEASE_KEY,
            contract.SOURCE_KEY,
            *(contract.PRICE_KEY_PREFIX + record.pair for record in records),
            *(contract.LAST_KNOWN_KEY_PREFIX + record.pair for record in records),
        ]
        arguments = [
            token,
            source.value,
            self._cache_ttl_ms - age_ms,
            self._last_known_ttl_ms - age_ms,
            self._source_ttl_ms,
            *(record.encode() for record in records),
        ]
        (word,) = self._connection.run(scripts.WRITE_TICKERS, keys, arguments)
        if word == scripts.OTHER_SOURCE:
            self._drop_prices(token)
            self._connection.run(scripts.WRITE_TICKERS, keys, arguments)

    def _drop_prices(self, token: str) -> None:
        for prefix in contract.DROPPED_WITH_THEIR_SOURCE:
            for keys in self._connection.keys_that_begin_with(prefix):
                self._connection.run(scripts.DELETE_KEYS, [contract.LEASE_KEY, *keys], [token])


def _stored_tickers(pairs: Sequence[str], values: Sequence[bytes | None]) -> dict[str, StoredTicker]:
    """Return the records among the values that lay under the pairs' keys."""
    found = (StoredTicker.from_raw(pair, raw) for pair, raw in zip(pairs, values, strict=True))
    return {ticker.pair: ticker for ticker in found if ticker is not None}

"""The aggregator: the only one that asks an exchange, whoever wants prices."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from market_data.aggregator.cycle import CycleReport, RefreshCycle
from market_data.aggregator.cycle_log import CycleLog
from market_data.aggregator.history import PriceHistory
from market_data.aggregator.latest_records import LatestRecords
from market_data.aggregator.venue import Venue
from market_data.conf.declarations import MarketDataSettings
from market_data.exchanges.circuit_breaker import CircuitState
from market_data.exchanges.waits import Waits
from market_data.ticker.availability import age_ms
from market_data.ticker.clock import Clock
from market_data.ticker.record import TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache.cache import TickerCache
from market_data.ticker_cache.status import CircuitStatus, ExchangeStatus, FetcherStatus, RateLimitStatus

SYMBOL_LIST_PATIENCE_SECONDS = 3.0
"""How long the first cycle waits for the list of symbols before it goes on without."""
_NAP_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class MarketData:
    """A record of each pair that has one young enough, and the report of the cycle, where the exchange was asked."""

    records: Mapping[str, TickerRecord]
    cycle: CycleReport | None


def restore_waits(waits: Waits, status: FetcherStatus, now_ms: int) -> None:
    """Let waits go on from the ban and the rate limit that a report tells of."""
    waits.restore(
        rate_limit_seconds=((status.rate_limit.retry_at or 0) - now_ms) / 1000,
        ban_seconds=((status.exchange.banned_until or 0) - now_ms) / 1000,
    )


def _never() -> bool:
    return False


class MarketDataAggregator:
    """Everybody who wants prices from an exchange goes through `get_market_data`."""

    def __init__(
        self,
        venue: Venue,
        cycle: RefreshCycle,
        cache: TickerCache,
        *,
        settings: MarketDataSettings,
        latest: LatestRecords,
        history: PriceHistory,
        clock: Clock,
    ) -> None:
        self._venue = venue
        self._cycle = cycle
        self._cache = cache
        self._settings = settings
        self._latest = latest
        self._history = history
        self._clock = clock
        self._log = CycleLog(clock.monotonic)
        self._symbols_in_use: tuple[str, ...] = ()
        self._one_at_a_time = threading.Lock()

    def get_market_data(
        self, pairs: Sequence[str], max_age_ms: int, should_stop: Callable[[], bool] = _never
    ) -> MarketData:
        """Return the pairs' records: from memory or Redis where they are young enough, else from the exchange.

        With `max_age_ms` of zero every pair is fetched. Who comes while another's request is under way waits for it and
        then finds its prices in memory. Raises `CacheUnavailableError` and `LeaseLostError`.
        """
        with self._one_at_a_time:
            records = self._young(pairs, max_age_ms) if max_age_ms else {}
            absent = [pair for pair in pairs if pair not in records]
            report = self._refresh(absent, should_stop) if absent else None
            return MarketData(records | dict(report.records) if report else records, report)

    def restore(self, status: FetcherStatus | None) -> None:
        """Take over what an earlier fetcher knew of bans, waits and symbols."""
        if status is None:
            return
        self._venue.symbols.known_pairs = status.pairs
        restore_waits(self._venue.gateway.waits, status, self._clock.now_ms())

    @property
    def source(self) -> Source:
        """Whose prices the exchange's hosts gave last."""
        return self._venue.gateway.source

    def status(self) -> tuple[CircuitStatus, RateLimitStatus, ExchangeStatus]:
        """Return breaker, rate limit and exchange as every process may read them, waits as instants in Unix ms."""
        now_ms, gateway, symbols = self._clock.now_ms(), self._venue.gateway, self._venue.symbols
        breaker, weight, waits = gateway.breaker.snapshot(), gateway.budget.snapshot(), gateway.waits.snapshot()

        def instant(seconds_from_now: float) -> int | None:
            return now_ms + round(seconds_from_now * 1000) if seconds_from_now > 0 else None

        return (
            CircuitStatus(
                state=breaker.state.value,
                consecutive_failures=breaker.consecutive_failures,
                retry_at=instant(breaker.retry_after_seconds) if breaker.state is CircuitState.OPEN else None,
            ),
            RateLimitStatus(
                used_weight=weight.used,
                limit=weight.limit,
                retry_at=instant(max(waits.rate_limit_seconds, weight.retry_after_seconds)),
                intervals_per_cycle=gateway.budget.cycles_per_refresh() or 1,
            ),
            ExchangeStatus(
                host=gateway.host,
                source=gateway.source,
                banned_until=instant(waits.ban_seconds),
                symbols_loaded_at=symbols.loaded_at_ms,
                symbols_error=symbols.error,
            ),
        )

    def seconds_until_request(self) -> float:
        """Return for how long no request is let through."""
        return self._venue.gateway.seconds_until_request()

    def intervals_per_cycle(self) -> int:
        """Return 1, or more where used request weight is near the limit and cycles must become rarer.

        Rarer cycles still come before the prices of the last one expire.
        """
        settings = self._settings
        most = max(1, (settings.cache_ttl_ms - settings.cycle_deadline_ms // 2) // settings.fetch_interval_ms)
        return min(most, self._venue.gateway.budget.cycles_per_refresh() or 1)

    def _young(self, pairs: Sequence[str], max_age_ms: int) -> dict[str, TickerRecord]:
        now_ms = self._clock.now_ms()

        def is_young(record: TickerRecord) -> bool:
            age = age_ms(record.received_at_ms, now_ms)
            return age is not None and age <= max_age_ms

        in_memory = ((pair, self._latest.get(pair)) for pair in pairs)
        records = {pair: record for pair, record in in_memory if record is not None and is_young(record)}
        absent = [pair for pair in pairs if pair not in records]
        cached = self._cache.read(absent).current if absent else {}
        decoded = ((pair, ticker.decode()) for pair, ticker in cached.items())
        return records | {pair: record for pair, record in decoded if is_young(record)}

    def _refresh(self, pairs: Sequence[str], should_stop: Callable[[], bool]) -> CycleReport:
        self._keep_symbols_known(should_stop)
        deadline = self._clock.monotonic() + self._settings.cycle_deadline_ms / 1000
        try:
            report = self._cycle.run(pairs, deadline, should_stop)
        finally:
            self._log.note_hosts(self._venue.gateway.hosts.faults())
            self._log.note_whole_market(self._venue.whole_market.fault)
        self._symbols_in_use = tuple(pair.symbol for pair in report.pairs.values() if pair.symbol is not None)
        if not should_stop():
            self._log.note_report(report)
            self._history.write_due()
        return report

    def _keep_symbols_known(self, should_stop: Callable[[], bool]) -> None:
        gateway, symbols, quarantine = self._venue.gateway, self._venue.symbols, self._venue.quarantine
        in_use = dict.fromkeys(symbol for symbol in self._symbols_in_use if not quarantine.is_suspect(symbol))
        # While it is open whether the exchange answers at all, one batch of tickers finds out, and nothing else asks.
        symbols.keep_current(tuple(in_use), may_ask=not gateway.needs_probe)
        if self._cycle.number == 0 and not symbols.known_pairs:
            give_up_at = self._clock.monotonic() + SYMBOL_LIST_PATIENCE_SECONDS
            while not should_stop() and self._clock.monotonic() < give_up_at and not symbols.wait(_NAP_SECONDS):
                pass
        if symbols.symbols is not None and symbols.loaded_at is not None:
            quarantine.pardon(symbols.symbols.is_trading, symbols.loaded_at)

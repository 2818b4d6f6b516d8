"""The aggregator: the only one that asks the exchange, whoever wants prices."""

from collections.abc import Callable, Sequence

from market_data.aggregator.cycle_log import CycleLog
from market_data.aggregator.refresh_cycle import AggregatorParts, CycleReport, RefreshCycle
from market_data.aggregator.status_report import aggregator_status
from market_data.exchanges.circuit_breaker import CircuitState
from market_data.exchanges.retry_after import ExchangePause
from market_data.ticker.availability import age_ms
from market_data.ticker.record import TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache.status import CircuitStatus, ExchangeStatus, FetcherStatus, RateLimitStatus

SYMBOL_LIST_PATIENCE_SECONDS = 3.0
"""How long the first cycle waits for the list of symbols before it goes on without."""
_NAP_SECONDS = 0.05


def restore_waits(pause: ExchangePause, status: FetcherStatus, now_ms: int) -> None:
    """Let a pause go on from the ban and the wait that a report tells of."""
    pause.restore(
        rate_limit_seconds=((status.rate_limit.retry_at or 0) - now_ms) / 1000,
        ban_seconds=((status.exchange.banned_until or 0) - now_ms) / 1000,
    )


def _never() -> bool:
    return False


class MarketDataAggregator:
    """Fetches tickers in batches, writes them to the cache and keeps every rule of the exchange."""

    def __init__(self, parts: AggregatorParts) -> None:
        self._parts = parts
        self._log = CycleLog(parts.monotonic)
        self._cycles = 0
        self._symbols_in_use: tuple[str, ...] = ()

    def get_market_data(self, pairs: Sequence[str]) -> dict[str, TickerRecord]:
        """Return a fresh record of each pair: from memory, else from Redis, else from the exchange.

        Pairs without one are absent. Callers who want the same pair at the same time share one request. Raises
        `CacheUnavailableError` and `LeaseLostError`.
        """
        records = self._fresh_in_memory(pairs)
        cached = self._parts.cache.read([pair for pair in pairs if pair not in records]).current
        records |= {pair: record for pair, ticker in cached.items() if self._is_fresh(record := ticker.decode())}
        absent = [pair for pair in pairs if pair not in records]
        if absent:
            self.refresh(absent)
            records |= self._fresh_in_memory(absent)
        return {pair: records[pair] for pair in pairs if pair in records}

    def refresh(self, pairs: Sequence[str], should_stop: Callable[[], bool] = _never) -> CycleReport:
        """Fetch the pairs ahead of their expiry; raise `CacheUnavailableError` or `LeaseLostError`."""
        self._keep_symbols_known()
        if self._cycles == 0 and not self._parts.symbols.known_pairs:
            self._await_symbols(should_stop)
        self._cycles += 1
        deadline = self._parts.monotonic() + self._parts.settings.cycle_deadline_ms / 1000
        cycle = RefreshCycle(self._parts, pairs, number=self._cycles, deadline=deadline, should_stop=should_stop)
        try:
            report = cycle.run()
        finally:
            self._log.note_hosts(self._parts.gateway.hosts.faults())
            self._log.note_whole_market(self._parts.whole_market.fault)
        self._symbols_in_use = tuple(pair.symbol for pair in report.pairs.values() if pair.symbol is not None)
        if not should_stop():
            self._log.note_report(report)
            self._parts.history.write_due()
        return report

    def restore(self, status: FetcherStatus | None) -> None:
        """Take over what an earlier fetcher knew of bans, waits and symbols."""
        if status is None:
            return
        self._parts.symbols.known_pairs = status.pairs
        restore_waits(self._parts.gateway.pause, status, self._parts.now_ms())

    @property
    def source(self) -> Source:
        """Whose prices the exchange's hosts gave last."""
        return self._parts.gateway.source

    def status(self) -> tuple[CircuitStatus, RateLimitStatus, ExchangeStatus]:
        """Return breaker, rate limit and exchange as every process may read them."""
        return aggregator_status(self._parts)

    def seconds_until_request(self) -> float:
        """Return how long the exchange, its hosts, the quota or the breaker lets no request through."""
        gateway = self._parts.gateway
        waits = gateway.pause.snapshot()
        return max(
            waits.ban_seconds,
            waits.rate_limit_seconds,
            gateway.hosts.seconds_until_request(),
            gateway.budget.snapshot().retry_after_seconds,
            self._parts.breaker.snapshot().retry_after_seconds,
        )

    def intervals_per_cycle(self) -> int:
        """Return 1, or more where used request weight is near the limit and cycles must become rarer.

        Rarer cycles still come before the prices of the last one expire.
        """
        settings = self._parts.settings
        most = max(1, (settings.cache_ttl_ms - settings.cycle_deadline_ms // 2) // settings.fetch_interval_ms)
        return min(most, self._parts.gateway.budget.cycles_per_refresh() or 1)

    def _keep_symbols_known(self) -> None:
        symbols, quarantine = self._parts.symbols, self._parts.quarantine
        # While it is open whether the exchange answers at all, one batch of tickers finds out, and nothing else asks.
        is_closed = self._parts.breaker.snapshot().state is CircuitState.CLOSED
        if is_closed and not self._parts.gateway.hosts.needs_probe:
            in_use = dict.fromkeys(symbol for symbol in self._symbols_in_use if not quarantine.is_suspect(symbol))
            symbols.load_if_due(tuple(in_use))
        if symbols.symbols is not None and symbols.loaded_at is not None:
            quarantine.pardon(symbols.symbols.is_trading, symbols.loaded_at)

    def _await_symbols(self, should_stop: Callable[[], bool]) -> None:
        give_up_at = self._parts.monotonic() + SYMBOL_LIST_PATIENCE_SECONDS
        while not should_stop() and self._parts.monotonic() < give_up_at and not self._parts.symbols.wait(_NAP_SECONDS):
            pass

    def _fresh_in_memory(self, pairs: Sequence[str]) -> dict[str, TickerRecord]:
        records = ((pair, self._parts.latest.get(pair)) for pair in pairs)
        return {pair: record for pair, record in records if record is not None and self._is_fresh(record)}

    def _is_fresh(self, record: TickerRecord) -> bool:
        settings, now_ms = self._parts.settings, self._parts.now_ms()
        age = age_ms(record.received_at_ms, now_ms)
        return age is not None and age <= settings.cache_stale_ttl_ms

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
from market_data.exchanges.waits import Waits
from market_data.ticker.availability import age_ms
from market_data.ticker.clock import Clock
from market_data.ticker.record import TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache.cache import TickerCache
from market_data.ticker_cache.status import ExchangeReport, FetcherStatus

SYMBOL_LIST_PATIENCE_SECONDS = 3.0
"""How long the first cycle waits for the list of symbols before it goes on without."""
_NAP_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class MarketData:
    """A record of each pair that has one young enough, and the report of the cycle, where the exchange was asked."""

    records: Mapping[str, TickerRecord]
    cycle: CycleReport | None


def restore_waits(waits: Waits, status: ExchangeReport, now_ms: int) -> None:
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
        venues: Mapping[str, Venue],
        cycle: RefreshCycle,
        cache: TickerCache,
        *,
        settings: MarketDataSettings,
        latest: LatestRecords,
        history: PriceHistory,
        clock: Clock,
    ) -> None:
        self._venues = venues
        self._cycle = cycle
        self._cache = cache
        self._settings = settings
        self._latest = latest
        self._history = history
        self._clock = clock
        self._log = CycleLog(clock.monotonic)
        self._in_use: dict[str, tuple[str, ...]] = {}
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
        self._cycle.known_pairs = status.pairs
        for name, report in status.by_exchange().items():
            if name in self._venues:
                restore_waits(self._venues[name].gateway.waits, report, self._clock.now_ms())

    def status(self) -> Mapping[str, ExchangeReport]:
        """Return circuit, rate limit and state of each exchange as every process may read them."""
        now_ms = self._clock.now_ms()
        return {name: venue.report(now_ms) for name, venue in self._venues.items()}

    @property
    def source(self) -> Source:
        """Whether any exchange's hosts gave simulated prices last."""
        sources = {venue.gateway.source for venue in self._venues.values()}
        return Source.SIMULATOR if Source.SIMULATOR in sources else Source.LIVE

    def seconds_until_request(self) -> float:
        """Return for how long no request to any exchange is let through."""
        return min(venue.gateway.seconds_until_request() for venue in self._venues.values())

    def intervals_per_cycle(self) -> int:
        """Return 1, or more where every exchange's request weight is near its limit and cycles must become rarer.

        Rarer cycles still come before the prices of the last one expire.
        """
        settings = self._settings
        most = max(1, (settings.cache_ttl_ms - settings.cycle_deadline_ms // 2) // settings.fetch_interval_ms)
        return min(most, *(venue.gateway.budget.cycles_per_refresh() or 1 for venue in self._venues.values()))

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
            for venue in self._venues.values():
                self._log.note_hosts(venue.exchange.name, venue.gateway.hosts.faults())
                self._log.note_whole_market(venue.exchange.name, venue.whole_market.fault)
                self._log.note_still(venue.exchange.name, venue.movement.still_since_ms)
        self._in_use = report.symbols_in_use()
        if not should_stop():
            self._log.note_report(report)
            self._history.write_due()
        return report

    def _keep_symbols_known(self, should_stop: Callable[[], bool]) -> None:
        for name, venue in self._venues.items():
            venue.keep_current(self._in_use.get(name, ()))
        first = next(iter(self._venues.values()))
        if self._cycle.number == 0 and not self._cycle.known_pairs:
            give_up_at = self._clock.monotonic() + SYMBOL_LIST_PATIENCE_SECONDS
            while not should_stop() and self._clock.monotonic() < give_up_at and not first.symbols.wait(_NAP_SECONDS):
                pass
            for venue in self._venues.values():
                venue.symbols.wait(0.0)

"""The fetcher: a refresh cycle at a fixed rate, while this process holds the lease; a standby otherwise."""

import logging
from collections import Counter
from collections.abc import Callable

from market_data.aggregator.service import MarketDataAggregator
from market_data.conf.declarations import MarketDataSettings
from market_data.exchanges.backoff import ExponentialBackoff
from market_data.fetcher.cycle_stats import CycleStats
from market_data.fetcher.heartbeat import Heartbeat
from market_data.fetcher.lease import FetcherLease
from market_data.fetcher.systemd import ServiceNotifier
from market_data.fetcher.transition_log import TransitionLog
from market_data.ticker.availability import PriceState
from market_data.ticker.clock import Clock
from market_data.ticker_cache.cache import TickerCache
from market_data.ticker_cache.errors import CacheUnavailableError, LeaseLostError
from market_data.ticker_cache.status import BackoffStatus, FetcherStatus

logger = logging.getLogger(__name__)

STANDBY_POLL_SECONDS = 0.5
_NAP_SECONDS = 0.05


class MarketDataFetcher:
    """Runs refresh cycles until told to stop; `should_stop` is asked every few hundredths of a second."""

    def __init__(
        self,
        settings: MarketDataSettings,
        cache: TickerCache,
        aggregator: MarketDataAggregator,
        lease: FetcherLease,
        *,
        clock: Clock,
        backoff: ExponentialBackoff,
        should_stop: Callable[[], bool],
        notifier: ServiceNotifier,
    ) -> None:
        self._settings = settings
        self._cache = cache
        self.aggregator = aggregator
        self._lease = lease
        self._clock = clock
        self._backoff = backoff
        self._should_stop = should_stop
        self._notifier = notifier
        self._started_at_ms = clock.now_ms()
        self._stats = CycleStats(monotonic=clock.monotonic)
        self._changes = TransitionLog(clock.monotonic)
        self._heartbeat = Heartbeat(settings, clock.monotonic)
        self._next_cycle_at = clock.monotonic()
        self._has_announced_standby = False
        self._last_report: FetcherStatus | None = None

    def run(self) -> None:
        """Fetch at a fixed rate until told to stop, then give the lease back."""
        try:
            while not self._should_stop():
                if self._becomes_active():
                    self._run_active()
                else:
                    self._tell_of_waiting()
                    self._nap_until(self._clock.monotonic() + STANDBY_POLL_SECONDS)
        finally:
            self._lease.release()
            self._changes.note_lease("none", self._lease.token)

    def run_once(self) -> bool:
        """Run one cycle and return whether at least one pair is fresh in the cache.

        Beside an active fetcher there is no cycle to run: after a life of its lease this looks at the cache alone.
        """
        give_up_at = self._clock.monotonic() + self._settings.lease_ttl_ms / 1000 + STANDBY_POLL_SECONDS
        try:
            while not self._becomes_active():
                if self._should_stop() or self._clock.monotonic() >= give_up_at or self._stats.is_cache_away:
                    return self._has_fresh_price()
                self._nap_until(self._clock.monotonic() + STANDBY_POLL_SECONDS)
            self._run_cycle()
            return self._has_fresh_price()
        finally:
            self._lease.release()
            self._changes.note_lease("none", self._lease.token)

    def _becomes_active(self) -> bool:
        try:
            if self._lease.try_acquire():
                reported = self._cache.read_fetcher().status
                earlier = reported or self._last_report
                self.aggregator.restore(earlier)
                has_other_counted = reported is not None and reported.started_at != self._started_at_ms
                self._stats.continue_from(earlier, has_other_counted=has_other_counted)
                self._stats.cache_answered()
                self._has_announced_standby = False
                self._changes.note_lease("held", self._lease.token)
                logger.info("active: %d pairs", len(self._settings.trading_pairs))
                return True
            # Kept for the take-over: should Redis lose its data until then, a ban is still known.
            self._last_report = self._cache.read_fetcher().status or self._last_report
        except CacheUnavailableError as error:
            self._stats.cache_failed(error, self._cache.address)
            return False
        self._stats.cache_answered()
        if not self._has_announced_standby:
            self._changes.note_lease("standby", self._lease.token)
            logger.info("standing by: another fetcher is active")
            self._has_announced_standby = True
        return False

    def _run_active(self) -> None:
        self._next_cycle_at = self._clock.monotonic()
        while not self._should_stop() and self._lease.is_held:
            self._run_cycle()
            self._notifier.cycle_ended(self._status(), holds_lease=self._lease.is_held)
            self._nap_until(self._next_cycle_at, is_cut_short=lambda: not self._lease.is_held)
        if not self._should_stop():
            self._changes.note_lease("lost", self._lease.token)
            logger.warning("the lease is lost or cannot be renewed: fetching pauses")

    def _tell_of_waiting(self) -> None:
        if self._stats.is_cache_away:
            self._notifier.waits_for_cache()
        else:
            self._notifier.stands_by()

    def _next_start(self, last_start: float) -> float:
        """Return the next start on the grid of intervals, or a later one where no request would be let through."""
        now = self._clock.monotonic()
        interval = self._settings.fetch_interval_ms / 1000 * self.aggregator.intervals_per_cycle()
        missed = max(0, int((now - last_start) // interval))
        closed_for = self.aggregator.seconds_until_request()
        wait = closed_for if closed_for > 0 else self._backoff.delay_seconds(self._stats.failures_in_a_row)
        return max(last_start + (missed + 1) * interval, now + min(wait, self._backoff.cap_seconds))

    def _run_cycle(self) -> None:
        began_at = self._next_cycle_at
        self._stats.cycle_begins()
        try:
            self._lease.sign_of_life()
            self._lease.renew()
            pairs = self._settings.trading_pairs
            report = self.aggregator.get_market_data(pairs, max_age_ms=0, should_stop=self._must_end_cycle).cycle
            if report is None or not self._lease.is_held:
                raise LeaseLostError("the lease was lost during the cycle")
        except LeaseLostError as error:
            self._lease.lose()
            self._stats.cycle_failed(str(error))
            return
        except CacheUnavailableError as error:
            self._stats.cache_failed(error, self._cache.address)
            self._stats.cycle_failed(f"the cache cannot be used: {error}")
            self._next_cycle_at = self._next_start(began_at)
            return
        if self._should_stop() and report.error is not None:
            self._stats.cycle_abandoned()
        else:
            self._stats.cycle_ended(report, self.aggregator.source)
        self._next_cycle_at = self._next_start(began_at)
        self._publish()

    def _publish(self) -> None:
        """Write the report, also of a cycle that was cut short: it may have met a ban."""
        status = self._status()
        self._changes.note_report(status)
        try:
            self._cache.write_status(self._lease.token, status)
        except LeaseLostError:
            self._lease.lose()
        except CacheUnavailableError as error:
            self._stats.cache_failed(error, self._cache.address)
        else:
            self._stats.cache_answered()

    def _must_end_cycle(self) -> bool:
        return self._should_stop() or not self._lease.is_held

    def _status(self) -> FetcherStatus:
        exchanges = self.aggregator.status()
        delivering = Counter(pair.exchange for pair in self._stats.pairs.values() if pair.exchange in exchanges)
        # What older readers know as the exchange is the one that delivers most.
        main = exchanges[max(exchanges, key=lambda name: delivering[name])]
        wait_ms = round((self._next_cycle_at - self._clock.monotonic()) * 1000)
        return FetcherStatus(
            started_at=self._started_at_ms,
            heartbeat_at=self._clock.now_ms(),
            interval_ms=self._settings.fetch_interval_ms,
            stats=self._stats.stats,
            circuit_breaker=main.circuit_breaker,
            rate_limit=main.rate_limit,
            exchange=main.exchange,
            exchanges=dict(exchanges),
            pairs=dict(self._stats.pairs),
            backoff=BackoffStatus(self._stats.failures_in_a_row, self._clock.now_ms() + wait_ms),
        )

    def _has_fresh_price(self) -> bool:
        try:
            prices = self._cache.read(self._settings.trading_pairs)
        except CacheUnavailableError as error:
            self._stats.cache_failed(error, self._cache.address)
            return False
        settings, now_ms = self._settings, self._clock.now_ms()
        states = (prices.availability(pair, now_ms, settings).state for pair in settings.trading_pairs)
        return PriceState.FRESH in states

    def _beat(self) -> None:
        self._heartbeat.beat_if_due(
            holds_lease=self._lease.is_held,
            own_status=self._status,
            told=self._last_report,
            is_cache_away=self._stats.is_cache_away,
        )

    def _nap_until(self, instant: float, is_cut_short: Callable[[], bool] = lambda: False) -> None:
        while not self._should_stop() and not is_cut_short():
            self._beat()
            remaining = instant - self._clock.monotonic()
            if remaining <= 0:
                return
            self._lease.sign_of_life()
            self._clock.sleep(min(_NAP_SECONDS, remaining))

"""What the fetcher keeps book of: counts of cycles, the pairs' outcomes, and the lines of its log."""

import logging
from collections.abc import Callable, Mapping

import msgspec

from market_data.aggregator.comparison import alias_pair
from market_data.aggregator.cycle import CycleReport
from market_data.logs.incidents import IncidentLog
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.source import Source
from market_data.ticker_cache.errors import CacheUnavailableError
from market_data.ticker_cache.status import FetcherStatus, FetchStats, PairStatus

logger = logging.getLogger("market_data.fetcher")

FETCHING = "fetching prices failed"
CACHE = "the cache cannot be used"


class CycleStats:
    """Counts cycles and logs what changes. A cycle that brought no fresh price counts as an error."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._incidents = IncidentLog(logger, monotonic)
        self._has_announced_simulation = False
        self.stats = FetchStats()
        self.pairs: Mapping[str, PairStatus] = {}
        self.failures_in_a_row = 0

    def continue_from(self, earlier: FetcherStatus | None, *, has_other_counted: bool) -> None:
        """Go on from the last success of whoever had it, so that the age of the cache stays true.

        Where another fetcher has counted meanwhile counts begin anew: after its own they would look like a burst.
        """
        if has_other_counted:
            self._count(fetch_attempts=0, fetch_successes=0, fetch_errors=0)
        theirs = earlier.stats.last_fetch_time if earlier else None
        known = [instant for instant in (self.stats.last_fetch_time, theirs) if instant is not None]
        self._count(last_fetch_time=max(known, default=None))

    @property
    def is_cache_away(self) -> bool:
        """Whether Redis failed when it was last used."""
        return self._incidents.is_going_on(CACHE)

    def cycle_begins(self) -> None:
        """Count an attempt."""
        self._count(fetch_attempts=self.stats.fetch_attempts + 1)

    def cycle_ended(self, report: CycleReport, source: Source) -> None:
        """Count a cycle that reached its end, as a success where it wrote a price."""
        self._note_pairs(report)
        if report.error is not None:
            self.failures_in_a_row += report.has_asked  # where nothing was asked for, waiting spares nobody
            self._incidents.began(FETCHING, report.error)
            self._count(fetch_errors=self.stats.fetch_errors + 1, last_error=report.error)
            return
        self.failures_in_a_row = 0
        self._incidents.over(FETCHING)
        self._announce_simulation(source)
        self._count(
            fetch_successes=self.stats.fetch_successes + 1,
            last_fetch_time=report.received_at_ms,
            last_fetch_duration_ms=report.duration_ms,
            last_error=None,
        )

    def cycle_abandoned(self) -> None:
        """Take an attempt back that the end of the process cut short."""
        self._count(fetch_attempts=self.stats.fetch_attempts - 1)

    def cycle_failed(self, reason: str) -> None:
        """Count a cycle whose prices could not be written."""
        self._count(fetch_errors=self.stats.fetch_errors + 1, last_error=reason)

    def cache_failed(self, error: CacheUnavailableError, address: str) -> None:
        """Log that Redis is away, once, with what to do."""
        self._incidents.began(
            CACHE, f"{error} at {address}. Trying again; start it, or write its address into REDIS_URL and restart"
        )

    def cache_answered(self) -> None:
        """Log that Redis is back, once."""
        self._incidents.over(CACHE)

    def _count(self, **changes: object) -> None:
        self.stats = msgspec.structs.replace(self.stats, **changes)

    def _note_pairs(self, report: CycleReport) -> None:
        pairs = {pair: _pair_status(report, pair) for pair in report.outcomes}
        self._tell_of_changes(pairs)
        for outcome, changed in _changed_pairs(self.pairs, pairs).items():
            level = logging.INFO if outcome == PairOutcome.OK else logging.WARNING
            logger.log(level, "%s: %s", outcome, _listed(changed))
        self.pairs = pairs

    def _tell_of_changes(self, pairs: Mapping[str, PairStatus]) -> None:
        """Log which exchange has taken over which pairs, one line for each."""
        taken_over: dict[tuple[str, str], list[str]] = {}
        for pair, status in pairs.items():
            before = self.pairs[pair].exchange if pair in self.pairs else None
            if before and status.exchange and before != status.exchange:
                taken_over.setdefault((before, status.exchange), []).append(pair)
        for (before, now), changed in taken_over.items():
            logger.warning("%s delivers instead of %s: %s", now, before, _listed(changed))

    def _announce_simulation(self, source: Source) -> None:
        if source is Source.SIMULATOR and not self._has_announced_simulation:
            logger.warning("these prices are SIMULATED: the exchange's address is a simulator's")
        self._has_announced_simulation = source is Source.SIMULATOR


def _listed(pairs: list[str], most: int = 10) -> str:
    more = f" and {len(pairs) - most} more" if len(pairs) > most else ""
    return ", ".join(pairs[:most]) + more


def _pair_status(report: CycleReport, pair: str) -> PairStatus:
    resolved, delivering = report.pairs[pair], report.delivering.get(pair)
    rate = report.comparison.alias_rates.get(alias_pair(pair, delivering) or "") if delivering else None
    difference = report.comparison.differences.get(pair)
    return PairStatus(
        symbol=delivering.symbol if delivering else None,
        base_asset=resolved.base_asset,
        quote_asset=delivering.quote_asset if delivering else resolved.quote_asset,
        is_quote_alias=delivering is not None and delivering.is_alias,
        outcome=report.outcomes[pair],
        exchange=delivering.exchange if delivering else None,
        standing_by=tuple(dict.fromkeys(other.exchange for other in resolved.candidates if other != delivering)),
        instead_of=resolved.first.exchange if resolved.first and delivering != resolved.first else None,
        alias_rate=rate.rate if rate else None,
        alias_rate_exchange=rate.exchange if rate else None,
        compared_with=difference.exchange if difference else None,
        difference_percent=difference.percent if difference else None,
    )


def _changed_pairs(before: Mapping[str, PairStatus], after: Mapping[str, PairStatus]) -> Mapping[str, list[str]]:
    changed: dict[str, list[str]] = {}
    for pair, status in after.items():
        if status.outcome is not None and (pair not in before or before[pair].outcome != status.outcome):
            changed.setdefault(status.outcome, []).append(pair)
    return changed

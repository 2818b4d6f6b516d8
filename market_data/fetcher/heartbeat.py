"""One line a minute that says that the fetcher lives, as what, and how it fares."""

import logging
from collections.abc import Callable

from market_data import __version__
from market_data.conf.declarations import MarketDataSettings
from market_data.conf.fingerprint import configuration_hash
from market_data.logs.facts import log_facts
from market_data.ticker.outcome import PairOutcome
from market_data.ticker_cache.status import FetcherStatus

logger = logging.getLogger(__name__)

BEAT_SECONDS = 60.0


class Heartbeat:
    """Logs a line when its minute is over; the loop itself asks, so that a hung one is silent."""

    def __init__(self, settings: MarketDataSettings, monotonic: Callable[[], float]) -> None:
        self._settings = settings
        self._configuration = configuration_hash(settings)
        self._monotonic = monotonic
        self._next_at = monotonic() + BEAT_SECONDS

    def beat_if_due(
        self,
        *,
        holds_lease: bool,
        own_status: Callable[[], FetcherStatus],
        told: FetcherStatus | None,
        is_cache_away: bool,
    ) -> None:
        """Log the line once a minute: the pairs and the circuit are the active fetcher's, the cycles are our own.

        `told` is what a standby has last read of the active one.
        """
        now = self._monotonic()
        if now < self._next_at:
            return
        self._next_at += BEAT_SECONDS * (1 + (now - self._next_at) // BEAT_SECONDS)
        own = own_status()
        known = own if holds_lease else told
        fresh = sum(pair.outcome == PairOutcome.OK for pair in known.pairs.values()) if known else 0
        facts = {
            "event": "heartbeat",
            "version": __version__,
            "configuration": self._configuration,
            "lease": "held" if holds_lease else "standby",
            "pairs_fresh": f"{fresh}/{len(self._settings.trading_pairs)}",
            "cycles": str(own.stats.fetch_attempts),
            "successes": str(own.stats.fetch_successes),
            "errors": str(own.stats.fetch_errors),
            "cache": "away" if is_cache_away else "reachable",
        }
        if known:
            facts["circuit"] = known.circuit_breaker.state
            if known.rate_limit.used_weight is not None:
                facts["used_weight"] = str(known.rate_limit.used_weight)
        log_facts(logger, logging.INFO, facts)

"""One structured line per change of breaker, limiter, ban, backoff or lease; words in snake case."""

import logging
from collections.abc import Callable, Mapping

from market_data.logs.facts import log_facts
from market_data.ticker_cache.status import FetcherStatus

logger = logging.getLogger(__name__)


class TransitionLog:
    """Compares successive reports. `usual` maps what is watched to the state that is no trouble.

    Instants in the lines are Unix ms. A line that leaves a state tells how long it lasted.
    """

    usual: Mapping[str, str] = {
        "circuit_breaker": "closed",
        "rate_limit": "free",
        "ban": "none",
        "backoff": "none",
        "lease": "none",
    }

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._states = dict(self.usual)
        self._since = dict.fromkeys(self.usual, monotonic())

    def note_report(self, status: FetcherStatus) -> None:
        """Log what is not as it was in the report before."""
        breaker, limit, backoff = status.circuit_breaker, status.rate_limit, status.backoff
        banned_until = status.exchange.banned_until
        self._note(
            "circuit_breaker",
            breaker.state,
            consecutive_failures=breaker.consecutive_failures,
            retry_at=breaker.retry_at,
        )
        self._note(
            "rate_limit",
            "waiting" if limit.retry_at else "slowed" if limit.intervals_per_cycle > 1 else "free",
            used_weight=limit.used_weight,
            limit=limit.limit,
            intervals_per_cycle=limit.intervals_per_cycle,
            retry_at=limit.retry_at,
        )
        self._note("ban", "banned" if banned_until else "none", banned_until=banned_until)
        self._note(
            "backoff",
            "waiting" if backoff.failures_in_a_row else "none",
            failures_in_a_row=backoff.failures_in_a_row,
            next_cycle_at=backoff.next_cycle_at,
        )

    def note_lease(self, state: str, token: str) -> None:
        """Log where the fetcher with this token stands: `held`, `standby`, `lost`, or `none` at its end."""
        self._note("lease", state, token=token)

    def _note(self, what: str, state: str, **facts: object) -> None:
        before = self._states[what]
        if state == before:
            return
        now = self._monotonic()
        lasted_seconds, self._since[what] = now - self._since[what], now
        self._states[what] = state
        told = {"change": what, "from": before, "to": state}
        if before != self.usual[what]:
            told["lasted_seconds"] = f"{lasted_seconds:.1f}"
        told |= {name: str(value) for name, value in facts.items() if value is not None}
        level = logging.INFO if state in (self.usual[what], "held", "standby") else logging.WARNING
        log_facts(logger, level, told)

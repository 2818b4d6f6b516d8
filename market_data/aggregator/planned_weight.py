"""How much of the exchange's request weight a configuration uses by itself, a minute. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from market_data.aggregator.request_plan import PlanLimits, plan_requests
from market_data.aggregator.symbol_loader import STATUS_CHECK_SECONDS
from market_data.conf.declarations import MarketDataSettings
from market_data.exchanges.request_weight import DEFAULT_LIMIT_PER_MINUTE, EXCHANGE_INFO_WEIGHT

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class PlannedWeight:
    """Requests and weight of one refresh cycle, cycles a minute, and the weight a minute of following statuses."""

    requests_per_cycle: int
    weight_per_cycle: int
    cycles_per_minute: float
    status_weight_per_minute: float

    @property
    def per_minute(self) -> int:
        """Return the weight a minute, cycles and statuses together."""
        return round(self.weight_per_cycle * self.cycles_per_minute + self.status_weight_per_minute)


def planned_weight(symbols: Sequence[str], settings: MarketDataSettings) -> PlannedWeight:
    """Return what refreshing these symbols costs an exchange at hand, as long as no request has to be repeated."""
    limits = PlanLimits(
        batch_size=settings.batch_size,
        max_concurrent=settings.max_concurrent_batches,
        round_trip_seconds=0.0,
        cycle_seconds=settings.cycle_deadline_ms / 1000,
        spare_weight=DEFAULT_LIMIT_PER_MINUTE,
    )
    plan = plan_requests(symbols, limits, lambda symbol: False, is_whole_market_usable=True)
    return PlannedWeight(
        requests_per_cycle=len(plan.batches) + bool(plan.whole_market),
        weight_per_cycle=plan.weight,
        cycles_per_minute=_MINUTE_MS / settings.fetch_interval_ms,
        status_weight_per_minute=bool(symbols) * EXCHANGE_INFO_WEIGHT * 60 / STATUS_CHECK_SECONDS,
    )

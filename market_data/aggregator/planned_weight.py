"""How much of the exchange's request weight a configuration uses by itself, a minute. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from market_data.aggregator.batches import make_batches
from market_data.aggregator.request_weight import EXCHANGE_INFO_WEIGHT, ticker_weight
from market_data.aggregator.symbol_loader import STATUS_CHECK_SECONDS, SYMBOLS_PER_CHECK
from market_data.conf import MarketDataSettings

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
    """Return what refreshing these symbols costs, as long as no request has to be repeated."""
    batches = make_batches(symbols, settings.batch_size, lambda symbol: False)
    checks = -(-len(symbols) // SYMBOLS_PER_CHECK)
    return PlannedWeight(
        requests_per_cycle=len(batches),
        weight_per_cycle=sum(ticker_weight(len(batch)) for batch in batches),
        cycles_per_minute=_MINUTE_MS / settings.fetch_interval_ms,
        status_weight_per_minute=checks * EXCHANGE_INFO_WEIGHT * 60 / STATUS_CHECK_SECONDS,
    )

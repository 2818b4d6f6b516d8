"""How much of the exchange's request weight a configuration uses by itself, a minute. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from market_data.aggregator.symbol_schedule import STATUS_CHECK_SECONDS
from market_data.conf.declarations import MarketDataSettings
from market_data.exchanges.protocol import Exchange

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


def planned_weight(exchange: Exchange, symbols: Sequence[str], settings: MarketDataSettings) -> PlannedWeight:
    """Return what refreshing these symbols costs an exchange at hand, as long as no request has to be repeated."""
    cycle = exchange.ticker_requests(
        symbols, batch_size=settings.batch_size, is_suspect=lambda symbol: False, may_ask_for_all=True
    )
    status = exchange.status_request(symbols) or exchange.list_requests()[0]
    return PlannedWeight(
        requests_per_cycle=len(cycle),
        weight_per_cycle=sum(request.weight for request in cycle),
        cycles_per_minute=_MINUTE_MS / settings.fetch_interval_ms,
        status_weight_per_minute=bool(symbols) * status.weight * 60 / STATUS_CHECK_SECONDS,
    )

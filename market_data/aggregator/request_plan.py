"""Which requests a refresh cycle makes: batches of symbols, or one request for the whole market. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from market_data.aggregator.batches import make_batches
from market_data.exchanges.request_weight import WHOLE_MARKET_WEIGHT, ticker_weight

_MOST_OF_A_CYCLE = 0.75
# The whole market is many times a batch's answer: it is no way out where one batch takes this much already.
_MUCH_OF_A_CYCLE = 0.25


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """What a plan has to fit into.

    `round_trip_seconds` is what the last answers took, zero where there was none; `spare_weight` is the request weight
    that may still be used this minute before cycles must become rarer.
    """

    batch_size: int
    max_concurrent: int
    round_trip_seconds: float
    cycle_seconds: float
    spare_weight: int


@dataclass(frozen=True, slots=True)
class RequestPlan:
    """The requests of a cycle: `whole_market` holds the symbols that one request for all brings, else `batches`."""

    batches: tuple[tuple[str, ...], ...] = ()
    whole_market: tuple[str, ...] = ()

    @property
    def weight(self) -> int:
        """Request weight of the plan, as long as no batch has to be halved."""
        whole = WHOLE_MARKET_WEIGHT if self.whole_market else 0
        return whole + sum(ticker_weight(len(batch)) for batch in self.batches)

    def seconds(self, limits: PlanLimits) -> float:
        """Return how long the plan takes where each answer takes as long as the last ones."""
        requests = len(self.batches) + bool(self.whole_market)
        return -(-requests // limits.max_concurrent) * limits.round_trip_seconds


def plan_requests(
    symbols: Sequence[str], limits: PlanLimits, is_suspect: Callable[[str], bool], *, is_whole_market_usable: bool
) -> RequestPlan:
    """Return batches; the whole market at once where that weighs less, or where the batches would take too long."""
    batches = RequestPlan(batches=tuple(make_batches(symbols, limits.batch_size, is_suspect)))
    whole = RequestPlan(whole_market=tuple(symbols))
    if not is_whole_market_usable or not symbols:
        return batches
    if batches.weight > whole.weight:
        return whole
    is_too_slow = batches.seconds(limits) > _MOST_OF_A_CYCLE * limits.cycle_seconds
    is_quick_enough = whole.seconds(limits) <= _MUCH_OF_A_CYCLE * limits.cycle_seconds
    has_spare_weight = whole.weight <= limits.spare_weight
    return whole if is_too_slow and is_quick_enough and has_spare_weight else batches

"""What prices that are at hand say about each other: what an alias is worth, how far two exchanges differ. Pure.

Nothing is averaged or corrected. A price stays what one exchange gave; this only tells readers how far to trust it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from market_data.aggregator.assessment import Assessed
from market_data.aggregator.routing import Candidate
from market_data.aggregator.symbols import ResolvedPair
from market_data.aggregator.venue import Venue
from market_data.conf.declarations import MarketDataSettings
from market_data.ticker.pairs import split_pair

Key = tuple[str, str]
"""An exchange's name and a symbol of it."""
_PERCENT_STEP = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class AliasRate:
    """What one unit of an alias costs in the asset that it stands in for, and which exchange says so; Unix ms."""

    rate: Decimal
    exchange: str
    received_at_ms: int


@dataclass(frozen=True, slots=True)
class PairDifference:
    """How far another exchange's price of a pair is above the one that is delivered, per cent."""

    exchange: str
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rates by alias and asset, such as `USDT/USD`; differences by pair; the symbols that tell the rates."""

    alias_rates: Mapping[str, AliasRate] = field(default_factory=dict)
    differences: Mapping[str, PairDifference] = field(default_factory=dict)
    watched: Sequence[Key] = ()


def alias_pair(pair: str, candidate: Candidate) -> str | None:
    """Return the pair that says what the alias is worth by which a candidate prices a pair, like `USDT/USD`."""
    return f"{candidate.quote_asset}/{split_pair(pair)[1]}" if candidate.is_alias else None


class PriceComparison:
    """Remembers what aliases are worth for as long as a price lives, so that one lost answer does not hide it."""

    def __init__(self, venues: Mapping[str, Venue], settings: MarketDataSettings) -> None:
        self._venues = venues
        self._settings = settings
        self._rates: dict[str, AliasRate] = {}
        self._watched: dict[str, Key] = {}

    def watch(self, delivering: Mapping[str, Candidate]) -> Sequence[Key]:
        """Return what to ask for besides: each alias in use, at the first exchange that lists it and may be asked."""
        aliases = {alias for pair, candidate in delivering.items() if (alias := alias_pair(pair, candidate))}
        self._watched = {alias: key for alias in sorted(aliases) if (key := self._teller_of(alias))}
        return tuple(self._watched.values())

    def _teller_of(self, alias: str) -> Key | None:
        for venue in self._venues.values():
            listed = venue.symbols.symbols.find(*split_pair(alias)) if venue.symbols.symbols else None
            may_be_asked = not venue.gateway.needs_probe and not venue.gateway.seconds_until_request()
            if listed and listed.is_trading and may_be_asked:
                return venue.name, listed.symbol
        return None

    def of(
        self,
        pairs: Iterable[ResolvedPair],
        delivering: Mapping[str, Candidate],
        found: Mapping[Key, Assessed],
        now_ms: int,
    ) -> Comparison:
        """Return what the answers of a refresh cycle say."""
        for alias, key in self._watched.items():
            answer = found.get(key)
            if answer and answer.quote:
                self._rates[alias] = AliasRate(answer.quote.price, key[0], answer.received_at_ms)
        in_use = {alias_pair(pair, candidate) for pair, candidate in delivering.items()}
        self._rates = {
            alias: rate
            for alias, rate in self._rates.items()
            if alias in in_use and now_ms - rate.received_at_ms <= self._settings.cache_ttl_ms
        }
        compared = ((pair.pair, _difference(pair, delivering.get(pair.pair), found)) for pair in pairs)
        differences = {pair: difference for pair, difference in compared if difference}
        return Comparison(dict(self._rates), differences, tuple(self._watched.values()))


def _difference(
    pair: ResolvedPair, delivering: Candidate | None, found: Mapping[Key, Assessed]
) -> PairDifference | None:
    """Return the largest difference to the price that is delivered; an alias's price is one of another pair."""
    prices = {
        candidate: answer.quote.price
        for candidate in pair.candidates
        if not candidate.is_alias and (answer := found.get((candidate.exchange, candidate.symbol))) and answer.quote
    }
    delivered = prices.pop(delivering, None) if delivering else None
    if delivered is None or not prices:
        return None
    differences = (
        PairDifference(candidate.exchange, ((price / delivered - 1) * 100).quantize(_PERCENT_STEP))
        for candidate, price in prices.items()
    )
    return max(differences, key=lambda difference: abs(difference.percent))

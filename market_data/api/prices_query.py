"""What a reader asks of `GET prices`. Pure."""

from dataclasses import dataclass

from market_data.api.queries import BadQueryError, named_pairs, read_parameters, whole_number
from market_data.conf.declarations import MarketDataSettings

_MAX_STALE_DIGITS = 15


@dataclass(frozen=True, slots=True)
class PricesQuery:
    """What a reader asks for: pairs in their order, and how far past its life a price may be, in ms."""

    pairs: tuple[str, ...]
    max_stale_ms: int = 0


def parse_prices_query(query_string: str, settings: MarketDataSettings) -> PricesQuery:
    """Return the query, all configured pairs where none is named; raise `BadQueryError`."""
    parameters = read_parameters(query_string, ("pairs", "maxStaleMs"), settings)
    return PricesQuery(
        pairs=named_pairs(parameters, settings),
        max_stale_ms=_max_stale_ms(parameters.get("maxStaleMs", "0")),
    )


def _max_stale_ms(text: str) -> int:
    max_stale_ms = whole_number(text, _MAX_STALE_DIGITS)
    if max_stale_ms is None:
        raise BadQueryError("maxStaleMs is not a whole number of milliseconds, zero or more, like maxStaleMs=60000.")
    return max_stale_ms

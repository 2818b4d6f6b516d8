"""What a reader may ask for: the parameters of a query, bounded before any work is done for them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from market_data.api.response import Response, error_response
from market_data.conf.declarations import MarketDataSettings
from market_data.ticker.pairs import InvalidPairError, normalise_pairs

_MAX_PARAMETERS = 8
_SHORTEST_LIMIT, _CHARACTERS_PER_PAIR = 16_384, 64
_MAX_REPETITION = 2
"""A pair may stand in a query more than once, but names are looked at up to this many times the limit of pairs."""
_MAX_STALE_DIGITS = 15


class BadQueryError(ValueError):
    """The query cannot be answered; the message says what is wrong and what to write."""


@dataclass(frozen=True, slots=True)
class PricesQuery:
    """What a reader asks of `prices`: pairs in their order, and how far past its life a price may be, in ms."""

    pairs: tuple[str, ...]
    max_stale_ms: int = 0


def parse_prices_query(query_string: str, settings: MarketDataSettings) -> PricesQuery:
    """Return the query, all configured pairs where none is named; raise `BadQueryError`."""
    parameters = read_parameters(query_string, ("pairs", "maxStaleMs"), settings)
    pairs = named_pairs(parameters, settings)
    max_stale_ms = whole_number(parameters.get("maxStaleMs", "0"), _MAX_STALE_DIGITS)
    if max_stale_ms is None:
        raise BadQueryError("maxStaleMs is not a whole number of milliseconds, zero or more, like maxStaleMs=60000.")
    return PricesQuery(pairs, max_stale_ms)


def bad_query_response(error: BadQueryError) -> Response:
    """Return the 400 that says what is wrong with the query."""
    return error_response(400, "Bad request", str(error))


def query_text(query_string: str) -> str:
    """Return WSGI's query string, bytes as characters by PEP 3333, as the text that the reader sent."""
    return query_string.encode("latin-1", errors="replace").decode(errors="replace")


def read_parameters(query_string: str, known: Sequence[str], settings: MarketDataSettings) -> Mapping[str, str]:
    """Return the parameters, each at most once and of those known ones; raise `BadQueryError`."""
    if len(query_string) > _SHORTEST_LIMIT + _CHARACTERS_PER_PAIR * settings.max_pairs_per_request:
        raise BadQueryError("The query is too long; name fewer pairs in one request.")
    try:
        items = parse_qsl(query_string, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise BadQueryError("There are too many parameters; write for example ?pairs=BTC/USDT,ETH/USDT.") from None
    for name, _ in items:
        if name not in known:
            raise BadQueryError(f"The parameter {name[:40]!r} is not known; the parameters are {' and '.join(known)}.")
    parameters = dict(items)
    if len(parameters) != len(items):
        raise BadQueryError("A parameter stands twice; name each once, pairs separated by commas.")
    return parameters


def named_pairs(parameters: Mapping[str, str], settings: MarketDataSettings) -> tuple[str, ...]:
    """Return the pairs that `pairs` names, all configured ones where it is left out; raise `BadQueryError`."""
    text = parameters.get("pairs")
    if text is None:
        return settings.trading_pairs
    if not text.strip():
        raise BadQueryError("pairs is empty; name at least one, like pairs=BTC/USDT, or leave it out for all.")
    names, max_pairs = text.split(","), settings.max_pairs_per_request
    if len(names) > _MAX_REPETITION * max_pairs:  # before any work is done for each of them
        raise BadQueryError(_too_many(len(names), max_pairs))
    try:
        pairs = normalise_pairs(names)
    except InvalidPairError as error:
        raise BadQueryError(f"pairs: {error}.") from None
    if len(pairs) > max_pairs:
        raise BadQueryError(_too_many(len(pairs), max_pairs))
    return pairs


def whole_number(text: str, max_digits: int) -> int | None:
    """Return the number, zero or more, that plain ASCII digits write, or None for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= max_digits else None


def _too_many(count: int, max_pairs: int) -> str:
    return f"pairs names {count} pairs; name {max_pairs} at most in one request."

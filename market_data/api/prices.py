"""`GET prices`: from a query, a reading of the cache and the time to an answer. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from market_data.api.answers import (
    MISSING_HEADER,
    NEVER_STORE,
    STORE_FOR_ONE_SECOND,
    Answer,
    error_answer,
    etag_matches,
    etag_of,
    json_answer,
)
from market_data.conf import MarketDataSettings
from market_data.pairs import InvalidPairError, normalise_pairs
from market_data.ticker_cache import CacheReading

UNAVAILABLE = "Price data temporarily unavailable"
_MAX_PARAMETERS = 8
_MAX_STALE_DIGITS = 15
_MAX_REPETITION = 2
"""A pair may stand in a query more than once, but names are looked at up to this many times the limit of pairs."""


class BadQueryError(ValueError):
    """The query cannot be answered; the message says what is wrong and what to write."""


@dataclass(frozen=True, slots=True)
class PricesQuery:
    """What a reader asks for: pairs in their order, and how far past its life a price may be, in ms."""

    pairs: tuple[str, ...]
    max_stale_ms: int = 0


def parse_prices_query(query_string: str, settings: MarketDataSettings) -> PricesQuery:
    """Return the query, all configured pairs where none is named; raise `BadQueryError`."""
    parameters = _parameters(query_string)
    named = parameters.get("pairs")
    return PricesQuery(
        pairs=settings.trading_pairs if named is None else _pairs(named, settings.max_pairs_per_request),
        max_stale_ms=_max_stale_ms(parameters.get("maxStaleMs", "0")),
    )


def prices_answer(
    query: PricesQuery,
    reading: CacheReading,
    now_ms: int,
    if_none_match: str | None,
    settings: MarketDataSettings,
) -> Answer:
    """Return 200, 206, 304 or 503 with the records as they lie in the cache."""
    records = _available(query, reading, now_ms, settings.cache_ttl_ms)
    missing = [pair for pair in query.pairs if pair not in records]
    if missing and not records:
        return unavailable_answer(query, settings, "No current price of the requested pairs is in the cache.")
    body = b"{%s}" % b",".join(b'"%s":%s' % (pair.encode(), raw) for pair, raw in records.items())
    etag = etag_of(body)
    headers = {"ETag": etag, "Cache-Control": NEVER_STORE if missing else STORE_FOR_ONE_SECOND}
    if missing:
        headers[MISSING_HEADER] = ",".join(quote(pair, safe="") for pair in missing)
    if etag_matches(etag, if_none_match):
        return Answer(304, b"", headers)
    return Answer(206 if missing else 200, body, headers)


def unavailable_answer(query: PricesQuery, settings: MarketDataSettings, message: str) -> Answer:
    """Return the 503 that names the pairs, and those among them that are not configured."""
    content = {
        "error": UNAVAILABLE,
        "message": message,
        "unavailablePairs": list(query.pairs),
        "unknownPairs": [pair for pair in query.pairs if pair not in settings.trading_pairs],
    }
    return json_answer(503, content, {"Retry-After": str(-(-settings.fetch_interval_ms // 1000))})


def bad_query_answer(error: BadQueryError) -> Answer:
    """Return the 400 that says what is wrong with the query."""
    return error_answer(400, "Bad request", str(error))


def _available(query: PricesQuery, reading: CacheReading, now_ms: int, cache_ttl_ms: int) -> Mapping[str, bytes]:
    oldest_ms = cache_ttl_ms + query.max_stale_ms
    records: dict[str, bytes] = {}
    for pair in query.pairs:
        if ticker := reading.current.get(pair):
            records[pair] = ticker.raw
        elif (last := reading.last_known.get(pair)) and last.age_ms(now_ms) <= oldest_ms:
            records[pair] = last.raw_marked_stale
    return records


def _parameters(query_string: str) -> dict[str, str]:
    try:
        items = parse_qsl(query_string, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise BadQueryError("There are too many parameters; write for example ?pairs=BTC/USDT,ETH/USDT.") from None
    known = ("pairs", "maxStaleMs")
    for name, _ in items:
        if name not in known:
            raise BadQueryError(f"The parameter {name[:40]!r} is not known; the parameters are {' and '.join(known)}.")
    parameters = dict(items)
    if len(parameters) != len(items):
        raise BadQueryError("A parameter stands twice; name each once, pairs separated by commas.")
    return parameters


def _pairs(text: str, max_pairs: int) -> tuple[str, ...]:
    if not text.strip():
        raise BadQueryError("pairs is empty; name at least one, like pairs=BTC/USDT, or leave it out for all.")
    names = text.split(",")
    if len(names) > _MAX_REPETITION * max_pairs:  # before any work is done for each of them
        raise BadQueryError(_too_many(len(names), max_pairs))
    try:
        pairs = normalise_pairs(names)
    except InvalidPairError as error:
        raise BadQueryError(f"pairs: {error}.") from None
    if len(pairs) > max_pairs:
        raise BadQueryError(_too_many(len(pairs), max_pairs))
    return pairs


def _too_many(count: int, max_pairs: int) -> str:
    return f"pairs names {count} pairs; name {max_pairs} at most in one request."


def _max_stale_ms(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_STALE_DIGITS):
        raise BadQueryError("maxStaleMs is not a whole number of milliseconds, zero or more, like maxStaleMs=60000.")
    return int(text)

"""`GET prices`: from a query, a reading of the cache and the time to an answer. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from market_data.api.answers import (
    MISSING_HEADER,
    NEVER_STORE,
    STORE_FOR_ONE_SECOND,
    Answer,
    etag_matches,
    etag_of,
    json_answer,
)
from market_data.api.queries import BadQueryError, named_pairs, read_parameters, whole_number
from market_data.conf import MarketDataSettings
from market_data.ticker_cache import CacheReading

UNAVAILABLE = "Price data temporarily unavailable"
_MAX_STALE_DIGITS = 15


@dataclass(frozen=True, slots=True)
class PricesQuery:
    """What a reader asks for: pairs in their order, and how far past its life a price may be, in ms."""

    pairs: tuple[str, ...]
    max_stale_ms: int = 0


def parse_prices_query(query_string: str, settings: MarketDataSettings) -> PricesQuery:
    """Return the query, all configured pairs where none is named; raise `BadQueryError`."""
    parameters = read_parameters(query_string, ("pairs", "maxStaleMs"))
    return PricesQuery(
        pairs=named_pairs(parameters, settings),
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
        return unavailable_answer(query.pairs, settings, "No current price of the requested pairs is in the cache.")
    body = b"{%s}" % b",".join(b'"%s":%s' % (pair.encode(), raw) for pair, raw in records.items())
    etag = etag_of(body)
    headers = {"ETag": etag, "Cache-Control": NEVER_STORE if missing else STORE_FOR_ONE_SECOND}
    if missing:
        headers[MISSING_HEADER] = ",".join(quote(pair, safe="") for pair in missing)
    if etag_matches(etag, if_none_match):
        return Answer(304, b"", headers)
    return Answer(206 if missing else 200, body, headers)


def unavailable_answer(pairs: Sequence[str], settings: MarketDataSettings, message: str) -> Answer:
    """Return the 503 that names the pairs, and those among them that are not configured."""
    content = {
        "error": UNAVAILABLE,
        "message": message,
        "unavailablePairs": list(pairs),
        "unknownPairs": [pair for pair in pairs if pair not in settings.trading_pairs],
    }
    return json_answer(503, content, {"Retry-After": str(-(-settings.fetch_interval_ms // 1000))})


def _available(query: PricesQuery, reading: CacheReading, now_ms: int, cache_ttl_ms: int) -> Mapping[str, bytes]:
    oldest_ms = cache_ttl_ms + query.max_stale_ms
    records: dict[str, bytes] = {}
    for pair in query.pairs:
        if ticker := reading.current.get(pair):
            records[pair] = ticker.raw
        elif (last := reading.last_known.get(pair)) and last.age_ms(now_ms) <= oldest_ms:
            records[pair] = last.raw_marked_stale
    return records


def _max_stale_ms(text: str) -> int:
    max_stale_ms = whole_number(text, _MAX_STALE_DIGITS)
    if max_stale_ms is None:
        raise BadQueryError("maxStaleMs is not a whole number of milliseconds, zero or more, like maxStaleMs=60000.")
    return max_stale_ms

"""`GET prices`: from a query, a snapshot of the cache and the time to an answer. Pure, and the whole of it.

Whoever serves prices, the view or the layer before Django, calls `prices_answer` and adds nothing to it.
"""

from collections.abc import Iterator, Sequence

import msgspec

from market_data.api.compression import accepts_gzip
from market_data.api.prepared_prices import PreparedPrices
from market_data.api.prices_query import parse_prices_query
from market_data.api.queries import BadQueryError, bad_query_answer, query_text
from market_data.api.response import (
    OPEN_TO_ANY_PAGE,
    SHARED_LIFE_MS,
    SOURCE_HEADER,
    TIME_HEADER,
    Answer,
    etag_matches,
    json_answer,
)
from market_data.conf.declarations import MarketDataSettings
from market_data.ticker.availability import NO_END_MS
from market_data.ticker_cache.snapshot import PriceSnapshot

UNAVAILABLE = "Price data temporarily unavailable"
VARY = ("Vary", "Accept-Encoding")
_LONGEST_KEPT_QUERY = 4096


class PairsNotInSnapshotError(LookupError):
    """The snapshot was not read for all of `pairs`; a direct read of them can answer."""

    def __init__(self, pairs: tuple[str, ...]) -> None:
        super().__init__(f"{len(pairs)} pairs")
        self.pairs = pairs


def prices_answer(
    query_string: str,
    snapshot: PriceSnapshot,
    now_ms: int,
    if_none_match: str | None,
    accept_encoding: str | None,
    settings: MarketDataSettings,
) -> Answer:
    """Return 200, 206, 304, 400 or 503 with all of its headers; raise `PairsNotInSnapshotError`.

    `query_string` is WSGI's, as the reader sent it. The headers of 200, 206 and 304 end with the time and `Vary`.
    """
    may_compress = accept_encoding is not None and accepts_gzip(accept_encoding)
    key = query_string, may_compress
    prepared: PreparedPrices | None = snapshot.memo.get(key)
    if prepared is None or not prepared.from_ms <= now_ms <= prepared.until_ms:
        answer = _worked_out(query_string, snapshot, now_ms, settings, may_compress=may_compress)
        if isinstance(answer, Answer):
            return answer
        prepared = answer
        if len(query_string) <= _LONGEST_KEPT_QUERY:
            snapshot.memo.keep(key, prepared, prepared.size_bytes + len(query_string))
    time = (TIME_HEADER, str(now_ms))
    span_ms = prepared.from_ms, prepared.until_ms
    if if_none_match is not None and etag_matches(prepared.etag, if_none_match):
        return Answer(304, b"", [*prepared.not_modified_headers, time, VARY], None, *span_ms)
    return Answer(prepared.status, prepared.body, [*prepared.headers, time, VARY], prepared.oldest_at_ms, *span_ms)


def _worked_out(
    query_string: str, snapshot: PriceSnapshot, now_ms: int, settings: MarketDataSettings, *, may_compress: bool
) -> PreparedPrices | Answer:
    try:
        query = parse_prices_query(query_text(query_string), settings)
    except BadQueryError as error:
        return _stamped(bad_query_answer(error), snapshot, now_ms)
    if snapshot.unreachable is not None:
        text = f"The cache cannot be reached: {snapshot.unreachable}."
        return _stamped(unavailable_answer(query.pairs, settings, text), snapshot, now_ms)
    if not snapshot.pairs.issuperset(query.pairs):
        raise PairsNotInSnapshotError(query.pairs)
    reading, max_stale_ms = snapshot.reading, query.max_stale_ms
    found = {pair: reading.availability(pair, now_ms, settings, max_stale_ms) for pair in query.pairs}
    records = [(pair, raw) for pair, one in found.items() if (raw := one.raw) is not None]
    if found and not records:
        text = "No current price of the requested pairs is in the cache."
        return _stamped(unavailable_answer(query.pairs, settings, text), snapshot, now_ms)
    missing = [pair for pair, one in found.items() if one.ticker is None]
    ends_at_ms = min((one.until_ms for one in found.values()), default=NO_END_MS)
    # What a shared cache keeps must be right for as long as it may keep it.
    last_stored_at_ms = ends_at_ms - SHARED_LIFE_MS
    is_storable = not missing and now_ms <= last_stored_at_ms
    span_ms = now_ms, last_stored_at_ms if is_storable else ends_at_ms
    oldest_at_ms = min((one.ticker.received_at_ms for one in found.values() if one.ticker), default=None)
    return PreparedPrices.of(
        records, missing, snapshot.source, span_ms, oldest_at_ms, is_storable=is_storable, may_compress=may_compress
    )


def unavailable_answer(pairs: Sequence[str], settings: MarketDataSettings, message: str) -> Answer:
    """Return the 503 that names the pairs, and those among them that are not configured."""
    configured = frozenset(settings.trading_pairs)
    content = {
        "error": UNAVAILABLE,
        "message": message,
        "unavailablePairs": list(pairs),
        "unknownPairs": [pair for pair in pairs if pair not in configured],
    }
    return json_answer(503, content, {"Retry-After": str(-(-settings.fetch_interval_ms // 1000))})


def _stamped(answer: Answer, snapshot: PriceSnapshot, now_ms: int) -> Answer:
    """Add the headers that every answer of the API carries."""
    return msgspec.structs.replace(answer, headers=[*answer.headers, *_stamps(snapshot, now_ms)])


def _stamps(snapshot: PriceSnapshot, now_ms: int) -> Iterator[tuple[str, str]]:
    if snapshot.source:
        yield SOURCE_HEADER, snapshot.source.value
    yield TIME_HEADER, str(now_ms)
    yield from OPEN_TO_ANY_PAGE.items()

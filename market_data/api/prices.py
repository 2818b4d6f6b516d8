"""`GET prices`: from a query, a snapshot of the cache and the time to a response. Pure, and the whole of it.

Whoever serves prices, the view or the layer before Django, calls `prices_response` and adds nothing to it but the time.
"""

from collections.abc import Sequence
from urllib.parse import quote

from market_data.api.compression import accepts_gzip
from market_data.api.queries import BadQueryError, bad_query_response, parse_prices_query, query_text
from market_data.api.response import (
    MISSING_HEADER,
    NEVER_STORE,
    SHARED_LIFE_MS,
    STORE_FOR_ONE_SECOND,
    PreparedResponse,
    Response,
    json_response,
    source_header,
)
from market_data.conf.declarations import MarketDataSettings
from market_data.ticker.availability import NO_END_MS
from market_data.ticker_cache.snapshot import PriceSnapshot

UNAVAILABLE = "Price data temporarily unavailable"
_LONGEST_KEPT_QUERY = 4096


def prices_response(
    query_string: str,
    snapshot: PriceSnapshot,
    now_ms: int,
    if_none_match: str | None,
    accept_encoding: str | None,
    settings: MarketDataSettings,
) -> Response:
    """Return 200, 206, 304, 400 or 503. `query_string` is WSGI's, as the reader sent it."""
    may_compress = accept_encoding is not None and accepts_gzip(accept_encoding)
    key = query_string, may_compress
    prepared: PreparedResponse | None = snapshot.memo.get(key)
    if prepared is None or not prepared.from_ms <= now_ms <= prepared.until_ms:
        made = _worked_out(query_string, snapshot, now_ms, settings, may_compress=may_compress)
        if isinstance(made, Response):
            return made.naming(snapshot.source)
        prepared = made
        if len(query_string) <= _LONGEST_KEPT_QUERY:
            snapshot.memo.keep(key, prepared, prepared.size_bytes + len(query_string))
    return prepared.whole if if_none_match is None else prepared.for_reader(if_none_match)


def _worked_out(
    query_string: str, snapshot: PriceSnapshot, now_ms: int, settings: MarketDataSettings, *, may_compress: bool
) -> PreparedResponse | Response:
    try:
        query = parse_prices_query(query_text(query_string), settings)
    except BadQueryError as error:
        return bad_query_response(error)
    if snapshot.unreachable is not None:
        text = f"The cache cannot be reached: {snapshot.unreachable}."
        return unavailable_response(query.pairs, settings, text)
    reading, max_stale_ms = snapshot.reading, query.max_stale_ms
    found = {pair: reading.availability(pair, now_ms, settings, max_stale_ms) for pair in query.pairs}
    records = [(pair, raw) for pair, one in found.items() if (raw := one.raw) is not None]
    if found and not records:
        text = "No current price of the requested pairs is in the cache."
        return unavailable_response(query.pairs, settings, text)
    missing = [pair for pair, one in found.items() if one.ticker is None]
    ends_at_ms = min((one.until_ms for one in found.values()), default=NO_END_MS)
    # What a shared cache keeps must be right for as long as it may keep it.
    last_stored_at_ms = ends_at_ms - SHARED_LIFE_MS
    is_storable = not missing and now_ms <= last_stored_at_ms
    return PreparedResponse.of(
        206 if missing else 200,
        b"{%s}" % b",".join([b'"%s":%s' % (pair.encode(), raw) for pair, raw in records]),
        _headers(missing, is_storable) | source_header(snapshot.source),
        oldest_at_ms=min((one.ticker.received_at_ms for one in found.values() if one.ticker), default=None),
        span_ms=(now_ms, last_stored_at_ms if is_storable else ends_at_ms),
        may_compress=may_compress,
    )


def _headers(missing: Sequence[str], is_storable: bool) -> dict[str, str]:
    headers = {"Vary": "Accept-Encoding", "Cache-Control": STORE_FOR_ONE_SECOND if is_storable else NEVER_STORE}
    if missing:
        headers[MISSING_HEADER] = ",".join(quote(pair, safe="") for pair in missing)
    return headers


def unavailable_response(pairs: Sequence[str], settings: MarketDataSettings, message: str) -> Response:
    """Return the 503 that names the pairs, and those among them that are not configured."""
    configured = frozenset(settings.trading_pairs)
    content = {
        "error": UNAVAILABLE,
        "message": message,
        "unavailablePairs": list(pairs),
        "unknownPairs": [pair for pair in pairs if pair not in configured],
    }
    return json_response(503, content, {"Retry-After": str(-(-settings.fetch_interval_ms // 1000))})

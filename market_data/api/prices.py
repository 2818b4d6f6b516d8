"""`GET prices`: from a query, a snapshot of the cache and the time to a response. Pure, and the whole of it.

Whoever serves prices, the view or the layer before Django, calls `prices_response` and adds nothing to it but the time.
"""

from collections.abc import Sequence
from urllib.parse import quote

from market_data.api.compression import accepts_gzip
from market_data.api.queries import BadQueryError, PricesQuery, bad_query_response, parse_prices_query, query_text
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
from market_data.ticker_cache.snapshot import PriceSnapshot

UNAVAILABLE = "Price data temporarily unavailable"
_LONGEST_KEPT_QUERY = 4096
_NO_END_MS = 2**63
_LONGEST_WAY_MS = 1_000
"""What a price may take from its receipt into Redis: one that is there later than that has another clock's time."""


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
    found = {pair: _record(pair, query, snapshot, now_ms, settings.cache_ttl_ms) for pair in query.pairs}
    records = [(pair, raw) for pair, (raw, _, _) in found.items() if raw is not None]
    if found and not records:
        text = "No current price of the requested pairs is in the cache."
        return unavailable_response(query.pairs, settings, text)
    missing = [pair for pair, (raw, _, _) in found.items() if raw is None]
    ends_at_ms = min((until_ms for _, until_ms, _ in found.values()), default=_NO_END_MS)
    # What a shared cache keeps must be right for as long as it may keep it.
    last_stored_at_ms = ends_at_ms - SHARED_LIFE_MS
    is_storable = not missing and now_ms <= last_stored_at_ms
    return PreparedResponse.of(
        206 if missing else 200,
        b"{%s}" % b",".join([b'"%s":%s' % (pair.encode(), raw) for pair, raw in records]),
        _headers(missing, is_storable) | source_header(snapshot.source),
        oldest_at_ms=min((at_ms for raw, _, at_ms in found.values() if raw is not None), default=None),
        span_ms=(now_ms, last_stored_at_ms if is_storable else ends_at_ms),
        may_compress=may_compress,
    )


def _headers(missing: Sequence[str], is_storable: bool) -> dict[str, str]:
    headers = {"Vary": "Accept-Encoding", "Cache-Control": STORE_FOR_ONE_SECOND if is_storable else NEVER_STORE}
    if missing:
        headers[MISSING_HEADER] = ",".join(quote(pair, safe="") for pair in missing)
    return headers


def _record(
    pair: str, query: PricesQuery, snapshot: PriceSnapshot, now_ms: int, cache_ttl_ms: int
) -> tuple[bytes | None, int, int]:
    """Return the text of the pair's record, None where none is young enough, until when that holds, received at.

    A current record that has reached the end of its life is a last known one from then on. One that Redis still gives
    long after that was received by a clock that is not ours, and is what Redis says it is.
    """
    current = snapshot.reading.current.get(pair)
    if current is not None:
        ends_at_ms = current.received_at_ms + cache_ttl_ms
        if ends_at_ms + _LONGEST_WAY_MS < snapshot.read_at_ms:
            return current.raw, _NO_END_MS, current.received_at_ms
        if now_ms <= ends_at_ms:
            return current.raw, ends_at_ms, current.received_at_ms
    last = snapshot.reading.last_known.get(pair) or current
    if last is None or not query.max_stale_ms:
        return None, _NO_END_MS, 0
    oldest_ms = cache_ttl_ms + query.max_stale_ms
    if last.age_ms(now_ms) <= oldest_ms:
        return last.raw_marked_stale, last.received_at_ms + oldest_ms, last.received_at_ms
    until_ms = last.received_at_ms - oldest_ms - 1 if now_ms < last.received_at_ms else _NO_END_MS
    return None, until_ms, 0


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

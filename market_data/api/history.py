"""`GET history`: from a query and the series in the cache to a response. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from market_data.api.queries import BadQueryError, named_pairs, read_parameters, whole_number
from market_data.api.response import STORE_FOR_ONE_SECOND, PreparedResponse, Response
from market_data.conf.declarations import MarketDataSettings
from market_data.ticker_cache.history import MAX_POINTS, STEP_MS

MAX_POINTS_PER_RESPONSE = 48_000
"""Two hundred whole series, 1.5 MB."""


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """What a reader asks for: pairs in their order, and how many of the newest points of each."""

    pairs: tuple[str, ...]
    points: int


def parse_history_query(query_string: str, settings: MarketDataSettings) -> HistoryQuery:
    """Return the query, with all configured pairs and all points that a response has room for as the default.

    Raise `BadQueryError`.
    """
    parameters = read_parameters(query_string, ("pairs", "points"), settings)
    pairs = named_pairs(parameters, settings)
    room = min(MAX_POINTS, MAX_POINTS_PER_RESPONSE // max(1, len(pairs)))
    if "points" not in parameters:
        return HistoryQuery(pairs, room)
    points = whole_number(parameters["points"], len(str(MAX_POINTS)))
    if points is None or not 1 <= points <= MAX_POINTS:
        raise BadQueryError(f"points is not a whole number from 1 to {MAX_POINTS}, like points=60.")
    if points > room:
        raise BadQueryError(f"points={points} is too much for {len(pairs)} pairs; write points={room}, or name fewer.")
    return HistoryQuery(pairs, points)


def history_response(
    query: HistoryQuery, series: Mapping[str, Sequence[bytes]], if_none_match: str | None, settings: MarketDataSettings
) -> Response:
    """Return 200 or 304 with the points as they lie in the cache; a pair without any has an empty list."""
    lists = b",".join(b'"%s":[%s]' % (pair.encode(), b",".join(series.get(pair, ()))) for pair in query.pairs)
    body = b'{"intervalMs":%d,"history":{%s}}' % (usual_distance_ms(settings), lists)
    return PreparedResponse.of(200, body, {"Cache-Control": STORE_FOR_ONE_SECOND}).for_reader(if_none_match)


def usual_distance_ms(settings: MarketDataSettings) -> int:
    """Return how far apart two points are while every cycle brings a price: the step in whole fetch intervals."""
    return -(-STEP_MS // settings.fetch_interval_ms) * settings.fetch_interval_ms

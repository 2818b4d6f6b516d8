"""What the endpoints take and give, for the OpenAPI description: every parameter, status and header of the contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from market_data.api.response import MISSING_HEADER, SOURCE_HEADER, TIME_HEADER
from market_data.ticker_cache.history import MAX_POINTS
from nexusmeme.api_description import shapes
from nexusmeme.api_description.shapes import Shape

_CACHE_UNREACHABLE = "The cache cannot be reached."


@dataclass(frozen=True)
class Endpoint:
    """One endpoint; `answers` maps a status to its meaning and body, None for none."""

    name: str
    view: str
    summary: str
    answers: Mapping[int, tuple[str, Shape | None]]
    parameters: tuple[OpenApiParameter, ...] = ()
    headers: tuple[OpenApiParameter, ...] = field(default=())


def _parameter(name: str, shape: Shape, description: str, example: Any) -> OpenApiParameter:
    return OpenApiParameter(name, {**shape, "examples": [example]}, description=description)


def _header(
    name: str, shape: Shape, description: str, *statuses: int, is_always_there: bool = True
) -> OpenApiParameter:
    return OpenApiParameter(
        name, dict(shape), OpenApiParameter.HEADER,
        required=is_always_there, description=description, response=list(statuses) or True,
    )  # fmt: skip


TIME = _header(TIME_HEADER, shapes.UNIX_MS, "the server's clock, Unix ms: a price's age is this minus its timestamp")
SOURCE = _header(
    SOURCE_HEADER,
    {"enum": ["binance", "simulator"]},
    "whose prices these are, as far as it is known",
    is_always_there=False,
)
ORIGINS = _header("Access-Control-Allow-Origin", {"const": "*"}, "pages of other hosts may read it")
EXPOSED = _header("Access-Control-Expose-Headers", shapes.TEXT, "the headers that those pages see")
CACHE_CONTROL = _header("Cache-Control", shapes.TEXT, "a complete answer may be shared for a second, others never")

# The names that the exchange uses: ASCII letters, digits and signs, and CJK ideographs.
_ASSET = r"[0-9A-Za-z_.\-\u4e00-\u9fff]{1,49}"
PAIRS_PARAMETER = _parameter(
    "pairs",
    {"type": "string", "pattern": rf"^{_ASSET}/{_ASSET}(,{_ASSET}/{_ASSET}){{0,199}}$"},
    "Pairs separated by commas, each base asset/quote asset; left out, it means all configured pairs.",
    "BTC/USDT,ETH/USDT",
)

IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="an ETag of an earlier answer"
)

ENDPOINTS = (
    Endpoint(
        "prices",
        "market_data.api.views.PricesView",
        "Current prices from the cache",
        {
            200: ("Every requested pair is in the cache.", shapes.PRICES),
            206: (f"Some are; {MISSING_HEADER} lists the others.", shapes.PRICES),
            304: ("Nothing new since the entity tag in If-None-Match.", None),
            400: ("The query makes no sense; the message says why.", shapes.ERROR),
            503: ("None is, or the cache cannot be reached.", shapes.UNAVAILABLE),
        },
        parameters=(
            PAIRS_PARAMETER,
            _parameter(
                "maxStaleMs",
                {"type": "integer", "minimum": 0, "maximum": 10**15 - 1, "default": 0},
                "Accept the last known price up to so many ms past its cache life; it is marked.",
                60000,
            ),
            IF_NONE_MATCH,
        ),
        headers=(
            _header("ETag", shapes.TEXT, "of the records, not of the time", 200, 206, 304),
            _header(MISSING_HEADER, shapes.TEXT, "the missing pairs, percent-encoded, separated by commas", 206),
            _header("Retry-After", shapes.COUNT, "seconds", 503),
        ),
    ),
    Endpoint(
        "history",
        "market_data.api.views.HistoryView",
        "The last hour of each pair from the cache",
        {
            200: ("All pairs that were asked for; one without points has an empty list.", shapes.HISTORY),
            304: ("Nothing new since the entity tag in If-None-Match.", None),
            400: ("The query makes no sense; the message says why.", shapes.ERROR),
            503: ("The cache cannot be reached.", shapes.UNAVAILABLE),
        },
        parameters=(
            PAIRS_PARAMETER,
            _parameter(
                "points",
                {"type": "integer", "minimum": 1, "maximum": MAX_POINTS},
                "How many of the newest points of each pair; left out, all that an answer has room for.",
                60,
            ),
            IF_NONE_MATCH,
        ),
        headers=(
            _header("ETag", shapes.TEXT, "of the points", 200, 304),
            _header("Retry-After", shapes.COUNT, "seconds", 503),
        ),
    ),
    Endpoint(
        "init",
        "market_data.api.views.InitView",
        "The fetcher's state",
        {
            200: ("The same in every web process; reading it starts nothing.", shapes.INIT),
            503: (_CACHE_UNREACHABLE, shapes.ERROR),
        },
    ),
    Endpoint(
        "health",
        "market_data.api.views.HealthView",
        "Whether this process can serve, and how well it is supplied",
        {
            200: ("healthy, or degraded with the reasons.", shapes.HEALTH),
            503: ("unhealthy: Redis cannot be reached.", shapes.HEALTH),
        },
    ),
    Endpoint(
        "pairs",
        "market_data.api.views.PairsView",
        "The configured pairs as the exchange knows them",
        {200: ("With the outcome of the last refresh.", shapes.PAIRS), 503: (_CACHE_UNREACHABLE, shapes.ERROR)},
    ),
)


def _describe(endpoint: Endpoint) -> type[OpenApiViewExtension]:
    responses = {
        (status, "application/json") if body else status: OpenApiResponse(dict(body) if body else None, meaning)
        for status, (meaning, body) in endpoint.answers.items()
    }
    parameters = [*endpoint.parameters, TIME, SOURCE, CACHE_CONTROL, ORIGINS, EXPOSED, *endpoint.headers]

    class Description(OpenApiViewExtension):
        target_class = endpoint.view

        def view_replacement(self) -> type:
            target: type = self.target

            class Described(target):
                @extend_schema(
                    operation_id=endpoint.name,
                    summary=endpoint.summary,
                    description="Cache-only: it never asks the exchange.",
                    parameters=parameters,
                    responses=responses,
                    tags=["market data"],
                    auth=[],
                )
                def get(self, request: Any, **path: str) -> Any:
                    return super().get(request, **path)

            return Described

    return Description


class _NoEndpoint(OpenApiViewExtension):
    """What answers 404 below the API's address is no endpoint."""

    target_class = "market_data.api.views.UnknownPathView"

    def view_replacement(self) -> Any:
        return extend_schema(exclude=True)(self.target)


DESCRIPTIONS = (*map(_describe, ENDPOINTS), _NoEndpoint)

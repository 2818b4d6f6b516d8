"""The endpoints: each reads the cache once and hands the reading to a pure function."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, ValuesView
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, ResponseHeaders
from rest_framework.exceptions import APIException
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from market_data.api.counters import open_counters
from market_data.api.history import history_response, parse_history_query
from market_data.api.init import init_content
from market_data.api.pairs import pairs_content
from market_data.api.prices import prices_response, unavailable_response
from market_data.api.queries import BadQueryError, bad_query_response, query_text
from market_data.api.response import JSON_TYPE, Response, error_response, json_response
from market_data.conf.loading import get_settings
from market_data.inspection.health import health_content, unhealthy_content
from market_data.ticker_cache.cache import TickerCache, open_ticker_cache
from market_data.ticker_cache.errors import CacheUnavailableError
from market_data.ticker_cache.snapshot import open_price_snapshots

_MESSAGE_CHARACTERS = 200
"""The framework's messages repeat what a reader sent, such as the name of a method."""


class SentResponse(HttpResponse):
    """A response on its way through Django, which need not check each header: they are ASCII of our own making."""

    def __init__(self, response: Response, now_ms: int) -> None:
        super().__init__(response.body, content_type=JSON_TYPE, status=response.status)
        self.headers = _OwnHeaders(response.headers_at(now_ms))


class _OwnHeaders(ResponseHeaders):
    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        self._store = {name.lower(): (name, value) for name, value in headers}

    def items(self) -> ValuesView[tuple[str, str]]:  # type: ignore[override]  # a mapping's own looks each one up
        return self._store.values()


class _JSONAlways(BaseContentNegotiation):
    """The API speaks JSON whatever a reader accepts, so that no response depends on `Accept`."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return next(iter(renderers)), "application/json"


class MarketDataView(APIView):
    """Public, read-only, cache-only. Every response carries the server's time and the prices' source."""

    http_method_names = ["get", "head"]
    authentication_classes = []
    permission_classes = []
    throttle_classes = []
    renderer_classes = [JSONRenderer]
    content_negotiation_class = _JSONAlways
    versioning_class = None  # another project's default would refuse every request without its version

    endpoint = "unknown"
    """What it is called among metrics, one of `metrics.served.ENDPOINTS`."""
    oldest_age_ms: int | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        began_at, status = time.perf_counter(), 500
        try:
            response = self.respond(request, *args, **kwargs)
            status = response.status_code
            return response
        finally:
            open_counters().count(self.endpoint, status, time.perf_counter() - began_at, self.oldest_age_ms)

    def respond(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the response, which `dispatch` counts."""
        return super().dispatch(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        if not isinstance(exc, APIException):
            raise exc
        reason, message = HTTPStatus(exc.status_code).phrase, str(exc.detail)[:_MESSAGE_CHARACTERS]
        return self.refuse(error_response(exc.status_code, reason, message))

    def refuse(self, response: Response) -> HttpResponse:
        """Send a response that needed no reading of the cache."""
        snapshot, now_ms = open_price_snapshots().current()
        return SentResponse(response.naming(snapshot.source), now_ms)


class PricesView(MarketDataView):
    """What `prices_response` says, and no more: GET and HEAD need nothing of what REST framework does for a request."""

    endpoint = "prices"

    def respond(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method in ("GET", "HEAD"):
            return self.get(request)
        return super().respond(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        asked = request.META
        snapshot, now_ms = open_price_snapshots().current()
        response = prices_response(
            asked.get("QUERY_STRING", ""),
            snapshot,
            now_ms,
            asked.get("HTTP_IF_NONE_MATCH"),
            asked.get("HTTP_ACCEPT_ENCODING"),
            get_settings(),
        )
        if response.oldest_at_ms is not None:
            self.oldest_age_ms = max(0, now_ms - response.oldest_at_ms)
        return SentResponse(response, now_ms)


class CacheView(MarketDataView, ABC):
    """An endpoint that reads the cache once for each request."""

    def get(self, request: Request) -> HttpResponse:
        cache = open_ticker_cache()
        try:
            response = self.response_of(cache, request)
        except BadQueryError as error:
            return self.refuse(bad_query_response(error))
        except CacheUnavailableError as error:
            response = error_response(503, "Cache unreachable", f"The cache cannot be reached: {error}.")
        return SentResponse(response.naming(cache.last_source), cache.clock.now_ms())

    @abstractmethod
    def response_of(self, cache: TickerCache, request: Request) -> Response:
        """Return what the cache lets this endpoint say; raise `BadQueryError` or `CacheUnavailableError`."""


class HistoryView(CacheView):
    endpoint = "history"

    def response_of(self, cache: TickerCache, request: Request) -> Response:
        settings = get_settings()
        query = parse_history_query(query_text(request.META["QUERY_STRING"]), settings)
        try:
            configured = [pair for pair in query.pairs if pair in settings.trading_pairs]
            series = cache.read_history(configured, query.points)
        except CacheUnavailableError as error:
            return unavailable_response(query.pairs, settings, f"The cache cannot be reached: {error}.")
        return history_response(query, series, request.headers.get("If-None-Match"), settings)


class InitView(CacheView):
    endpoint = "init"

    def response_of(self, cache: TickerCache, request: Request) -> Response:
        return json_response(200, init_content(cache.read_fetcher(), cache.clock.now_ms(), get_settings()))


class HealthView(CacheView):
    endpoint = "health"

    def response_of(self, cache: TickerCache, request: Request) -> Response:
        settings = get_settings()
        try:
            prices, fetcher = cache.read(settings.trading_pairs), cache.read_fetcher()
        except CacheUnavailableError as error:
            return json_response(503, unhealthy_content(str(error), settings))
        clock = cache.clock
        return json_response(200, health_content(prices, fetcher, clock.now_ms(), clock.status(), settings))


class PairsView(CacheView):
    endpoint = "pairs"

    def response_of(self, cache: TickerCache, request: Request) -> Response:
        return json_response(200, pairs_content(cache.read_fetcher().status, get_settings()))


class UnknownPathView(MarketDataView):
    """What stands below the API's address and is none of its endpoints."""

    def get(self, request: Request, unknown: str) -> HttpResponse:
        message = "There is prices, history, init, health and pairs, each without a final slash."
        return self.refuse(error_response(404, "Not found", message))

"""The endpoints: each reads the cache once and hands the reading to a pure function."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from market_data.api.django_response import AnswerResponse
from market_data.api.history import history_answer, parse_history_query
from market_data.api.init import init_content
from market_data.api.pairs import pairs_content
from market_data.api.prices import PairsNotInSnapshotError, prices_answer, unavailable_answer
from market_data.api.queries import BadQueryError, bad_query_answer, query_text
from market_data.api.response import (
    NEVER_STORE,
    OPEN_TO_ANY_PAGE,
    SOURCE_HEADER,
    TIME_HEADER,
    Answer,
    error_answer,
    json_answer,
)
from market_data.conf.loading import get_settings
from market_data.inspection.health import health_content, unhealthy_content
from market_data.metrics.tallies import open_served_tallies
from market_data.ticker_cache.cache import TickerCache, open_ticker_cache
from market_data.ticker_cache.errors import CacheUnavailableError
from market_data.ticker_cache.snapshot import open_price_snapshots

_MESSAGE_CHARACTERS = 200
"""The framework's messages repeat what a reader sent, such as the name of a method."""


class _JSONAlways(BaseContentNegotiation):
    """The API speaks JSON whatever a reader accepts, so that no answer depends on `Accept`."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return next(iter(renderers)), "application/json"


class MarketDataView(APIView):
    """Public, read-only, cache-only. Every answer carries the server's time and the prices' source."""

    http_method_names = ["get", "head"]
    authentication_classes = []
    permission_classes = []
    throttle_classes = []
    renderer_classes = [JSONRenderer]
    content_negotiation_class = _JSONAlways
    versioning_class = None  # another project's default would refuse every request without its version

    endpoint = "unknown"
    """What it is called among metrics, one of `tallies.ENDPOINTS`."""
    has_read_cache = False
    oldest_age_ms: int | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        began_at, status = time.perf_counter(), 500
        try:
            response = self.respond(request, *args, **kwargs)
            status = response.status_code
            return response
        finally:
            seconds = time.perf_counter() - began_at
            open_served_tallies().note_answer(self.endpoint, status, seconds, self.oldest_age_ms)

    def respond(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the response, which `dispatch` counts."""
        return super().dispatch(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if isinstance(exc, APIException):
            response.data = {"error": response.reason_phrase, "message": str(exc.detail)[:_MESSAGE_CHARACTERS]}
            response.headers["Cache-Control"] = NEVER_STORE
        return response

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in OPEN_TO_ANY_PAGE.items():
            response.headers[name] = value
        cache = open_ticker_cache()
        source = cache.last_source if self.has_read_cache else open_price_snapshots().current()[0].source
        response.headers[TIME_HEADER] = str(cache.clock.now_ms())
        if source is not None:
            response.headers[SOURCE_HEADER] = source.value
        return response


class PricesView(MarketDataView):
    """What `prices_answer` says, and no more: GET and HEAD need nothing of what a REST framework does for a request."""

    endpoint = "prices"

    def respond(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method in ("GET", "HEAD"):
            return self.get(request)
        return super().respond(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        asked, snapshots = request.META, open_price_snapshots()
        query_string = asked.get("QUERY_STRING", "")
        conditions = asked.get("HTTP_IF_NONE_MATCH"), asked.get("HTTP_ACCEPT_ENCODING"), get_settings()
        snapshot, now_ms = snapshots.current()
        try:
            answer = prices_answer(query_string, snapshot, now_ms, *conditions)
        except PairsNotInSnapshotError as error:
            snapshot, now_ms = snapshots.including(error.pairs)
            answer = prices_answer(query_string, snapshot, now_ms, *conditions)
        if answer.oldest_at_ms is not None:
            self.oldest_age_ms = abs(now_ms - answer.oldest_at_ms)
        return AnswerResponse(answer)


class CacheView(MarketDataView, ABC):
    """An endpoint that reads the cache once for each request."""

    def get(self, request: Request, **path: str) -> HttpResponse:
        cache = open_ticker_cache()
        self.has_read_cache = True
        try:
            answer = self.answer(request, cache)
        except BadQueryError as error:
            self.has_read_cache = False
            answer = bad_query_answer(error)
        except CacheUnavailableError as error:
            answer = error_answer(503, "Cache unreachable", f"The cache cannot be reached: {error}.")
        return AnswerResponse(answer)

    @abstractmethod
    def answer(self, request: Request, cache: TickerCache) -> Answer:
        """Return what the cache lets this endpoint say; raise `BadQueryError` or `CacheUnavailableError`."""


class HistoryView(CacheView):
    endpoint = "history"

    def answer(self, request: Request, cache: TickerCache) -> Answer:
        settings = get_settings()
        query = parse_history_query(query_text(request.META["QUERY_STRING"]), settings)
        try:
            series = cache.read_history(query.pairs, query.points)
        except CacheUnavailableError as error:
            return unavailable_answer(query.pairs, settings, f"The cache cannot be reached: {error}.")
        return history_answer(query, series, request.headers.get("If-None-Match"), settings)


class InitView(CacheView):
    endpoint = "init"

    def answer(self, request: Request, cache: TickerCache) -> Answer:
        return json_answer(200, init_content(cache.read_fetcher(), cache.clock.now_ms(), get_settings()))


class HealthView(CacheView):
    endpoint = "health"

    def answer(self, request: Request, cache: TickerCache) -> Answer:
        settings = get_settings()
        try:
            prices, fetcher = cache.read(settings.trading_pairs), cache.read_fetcher()
        except CacheUnavailableError as error:
            return json_answer(503, unhealthy_content(str(error), settings))
        clock = cache.clock
        return json_answer(200, health_content(prices, fetcher, clock.now_ms(), clock.status(), settings))


class PairsView(CacheView):
    endpoint = "pairs"

    def answer(self, request: Request, cache: TickerCache) -> Answer:
        return json_answer(200, pairs_content(cache.read_fetcher().status, get_settings()))


class UnknownPathView(CacheView):
    """What stands below the API's address and is none of its endpoints."""

    def answer(self, request: Request, cache: TickerCache) -> Answer:
        self.has_read_cache = False
        message = "There is prices, history, init, health and pairs, each without a final slash."
        return error_answer(404, "Not found", message)

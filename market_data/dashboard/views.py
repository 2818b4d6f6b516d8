"""The page: one reading of the cache, rendered; from then on its script asks the API."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from market_data.api.answers import NEVER_STORE, SOURCE_HEADER, TIME_HEADER
from market_data.api.health import health_content, unhealthy_content
from market_data.cache_outage import CacheUnavailableError
from market_data.conf import MarketDataSettings, get_settings
from market_data.dashboard.presentation import market_prices, shown_tickers
from market_data.fetcher_status import FetcherStatus, Source
from market_data.ticker_cache import CacheReading, open_ticker_cache


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """Render the configured pairs; the page answers 200 and says why where the cache cannot be reached."""
    settings = get_settings()
    now_ms = time.time_ns() // 1_000_000
    reading, fetcher_status, reasons = _read(settings, now_ms)
    shown = reading or CacheReading(current={}, last_known={}, source=Source.BINANCE)
    prices = market_prices(settings.trading_pairs, shown, fetcher_status, now_ms, settings.client_stale_threshold_ms)
    context = {
        "prices": prices,
        "reasons": " ".join(reasons) if prices.status == "unavailable" else "",
        "is_simulated": shown.source is Source.SIMULATOR,
        "updated_at": _updated_at(now_ms) if shown.current else "",
        "config": _page_config(settings, shown, fetcher_status, now_ms),
    }
    response = render(request, "market_data/dashboard.html", context)
    response.headers["Cache-Control"] = NEVER_STORE
    response.headers[TIME_HEADER] = str(now_ms)
    if reading:
        response.headers[SOURCE_HEADER] = reading.source.value
    return response


def _read(settings: MarketDataSettings, now_ms: int) -> tuple[CacheReading | None, FetcherStatus | None, Sequence[str]]:
    """Return the cache's prices, the fetcher's report and what is wrong, in sentences."""
    cache = open_ticker_cache()
    try:
        reading = cache.read(settings.trading_pairs, include_last_known=True)
        fetcher = cache.read_fetcher()
    except CacheUnavailableError as error:
        return None, None, unhealthy_content(str(error), settings)["reasons"]
    return reading, fetcher.status, health_content(reading, fetcher, now_ms, settings)["reasons"]


def _page_config(
    settings: MarketDataSettings, reading: CacheReading, fetcher_status: FetcherStatus | None, now_ms: int
) -> Mapping[str, Any]:
    """Return what the page's script starts from; `records` is JSON text, so that no digit is lost on the way."""
    pairs = settings.trading_pairs
    records = (f'"{pair}":{raw.decode()}' for pair, raw in shown_tickers(pairs, reading).items())
    return {
        "pairs": pairs,
        "pollIntervalMs": settings.client_poll_interval_ms,
        "staleThresholdMs": settings.client_stale_threshold_ms,
        "pricesUrl": reverse("market_data:prices"),
        "healthUrl": reverse("market_data:health"),
        "pairsUrl": reverse("market_data:pairs"),
        "hasPairListing": fetcher_status is not None,
        "serverTimeMs": now_ms,
        "source": reading.source.value,
        "records": f"{{{','.join(records)}}}",
        "missing": [pair for pair in pairs if pair not in reading.current],
    }


def _updated_at(now_ms: int) -> str:
    return time.strftime("Updated %H:%M:%S UTC", time.gmtime(now_ms // 1000))

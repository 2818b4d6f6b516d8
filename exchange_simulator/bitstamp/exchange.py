"""Bitstamp without its wire: 400 requests a second by address, and tickers that are made every other second."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from exchange_simulator.answers import Answer
from exchange_simulator.bitstamp.endpoints import BitstampView, asked_market, find_endpoint
from exchange_simulator.bitstamp.errors import JSON_TYPE, rate_limited
from exchange_simulator.bitstamp.faults import BitstampFaults
from exchange_simulator.bitstamp.markets import NAME, url_symbol
from exchange_simulator.edge_cache import CachedPayload
from exchange_simulator.exchange import SimulatedExchange
from exchange_simulator.market import Market
from exchange_simulator.request_log import LoggedRequest
from exchange_simulator.request_rate import RequestRate
from exchange_simulator.view import MarketView
from exchange_simulator.world import World

CACHE_SECONDS = 2
REQUESTS_PER_SECOND = 400
REQUESTS_IN_TEN_MINUTES = 10_000


class BitstampExchange(SimulatedExchange):
    name = NAME
    limit_name = "rate"

    def __init__(self, market: Market, *, now_ms: Callable[[], int], cache_seconds: float = CACHE_SECONDS) -> None:
        super().__init__(market, BitstampFaults(), now_ms=now_ms, cache_seconds=cache_seconds, content_type=JSON_TYPE)
        self._rates = (
            RequestRate(REQUESTS_PER_SECOND, REQUESTS_PER_SECOND),
            RequestRate(REQUESTS_IN_TEN_MINUTES / 600, REQUESTS_IN_TEN_MINUTES),
        )
        self._symbols_by_url = {url_symbol(symbol): symbol for symbol in (*market.listings, *market.symbols(World()))}

    def asked_symbols(self, path: str, query: str) -> tuple[str, ...] | None:
        market = asked_market(path)
        return None if market is None else (self._symbols_by_url.get(market, market),)

    def view(self, now_ms: int, world: World, target: str) -> BitstampView:
        return BitstampView(self.market, now_ms, world, target)

    def count(self, request: LoggedRequest, view: MarketView) -> tuple[Answer | None, Mapping[str, str]]:
        verdicts = [rate.is_exceeded_by(request.client, view.now_ms) for rate in self._rates]
        return rate_limited() if any(verdicts) else None, {}

    def reset_limits(self) -> None:
        for rate in self._rates:
            rate.reset()

    def endpoint(self, request: LoggedRequest) -> Callable[[Any], Any] | None:
        return find_endpoint(request.path, request.query)

    def is_cached(self, path: str) -> bool:
        return True

    def as_if_fresh(self, cached: CachedPayload, view: MarketView) -> CachedPayload:
        """Hide the age in the rows as well, which tell when they were made."""
        timestamp = str(view.exchange_time_ms // 1000)
        rows = [(symbol, {**row, "timestamp": timestamp}) for symbol, row in view.rows(cached.payload)]
        payload = view.with_rows(cached.payload, rows) if rows else cached.payload
        return replace(super().as_if_fresh(cached, view), payload=payload)

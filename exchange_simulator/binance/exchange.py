"""Binance spot without its wire: request weights, bans and error codes."""

from collections.abc import Callable, Mapping
from typing import Any

from exchange_simulator.answers import JSON_TYPE, Answer
from exchange_simulator.binance.endpoints import ENDPOINTS, BinanceView, is_weight_limit
from exchange_simulator.binance.errors import banned, rate_limited
from exchange_simulator.binance.faults import BinanceFaults
from exchange_simulator.binance.markets import NAME
from exchange_simulator.binance.parameters import Parameters, asked_symbols
from exchange_simulator.binance.weights import PING, TIME, WeightCounter, request_weight
from exchange_simulator.exchange import SimulatedExchange
from exchange_simulator.market import Market
from exchange_simulator.request_log import LoggedRequest
from exchange_simulator.view import MarketView
from exchange_simulator.world import World

DEFAULT_WEIGHT_LIMIT = 6000
USED_WEIGHT_HEADERS = ("X-MBX-USED-WEIGHT", "X-MBX-USED-WEIGHT-1M")


class BinanceExchange(SimulatedExchange):
    """`weights` counts what requests cost."""

    name = NAME
    limit_name = "weight"

    def __init__(
        self, market: Market, *, now_ms: Callable[[], int], weight_limit: int | None = None, cache_seconds: float = 0
    ) -> None:
        super().__init__(market, BinanceFaults(), now_ms=now_ms, cache_seconds=cache_seconds, content_type=JSON_TYPE)
        self.weights = WeightCounter(weight_limit or _listed_weight_limit(market))

    def asked_symbols(self, path: str, query: str) -> tuple[str, ...] | None:
        return asked_symbols(query)

    def view(self, now_ms: int, world: World, target: str) -> BinanceView:
        return BinanceView(self.market, now_ms, world, target, self.weights.limit)

    def count(self, request: LoggedRequest, view: MarketView) -> tuple[Answer | None, Mapping[str, str]]:
        request.weight = request_weight(request.path, request.symbol_count)
        verdict = self.weights.count(request.weight, view.now_ms, set_to=view.world.used_weight)
        headers = dict.fromkeys(USED_WEIGHT_HEADERS, str(verdict.used_weight))
        if not verdict.is_refused:
            return None, headers
        retry_after = str(verdict.retry_after_seconds)
        if verdict.ban_until_ms is None:
            return rate_limited(self.weights.limit, retry_after), headers
        return banned(verdict.ban_until_ms + view.world.clock_offset_ms, retry_after), headers

    def reset_limits(self) -> None:
        self.weights.reset()

    def endpoint(self, request: LoggedRequest) -> Callable[[Any], Any] | None:
        endpoint = ENDPOINTS.get(request.path)
        return None if endpoint is None else lambda view: endpoint(view, Parameters(request.query))

    def is_cached(self, path: str) -> bool:
        return path not in (PING, TIME)


def _listed_weight_limit(market: Market) -> int:
    limits = [row.get("limit") for row in market.rate_limits if is_weight_limit(row)]
    return next((limit for limit in limits if isinstance(limit, int) and limit > 0), DEFAULT_WEIGHT_LIMIT)
